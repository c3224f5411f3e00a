"""What the doctor looks at, a module a subject; an examination gives its checks in order.

Where AWS or the store says no, that is a finding. Where it cannot be asked, the examination
raises, and the doctor reports what was not checked.
"""
