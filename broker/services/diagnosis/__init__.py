"""What is wrong, and what a role may really do: nothing here changes anything.

The doctor looks at its subjects one by one, a module each. Where AWS or the store says no, that is
a finding. Where it cannot be asked, the examination raises, and the doctor reports what was not
checked.
"""
