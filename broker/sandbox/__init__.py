"""A strict local AWS for development and tests: moto's state behind decisions written anew.

It imports nothing of the broker: it is the judge of it. `python -m broker.sandbox --help` starts
it; `broker.sandbox.process.Sandbox` starts it from a test.

How a call is decided
    `http_server` takes it, `gate` reads it whole, `calls` finds who signed it and which operation
    it is, `needs` what that operation must be allowed, and `policy` decides with the caller's real
    policies, which `state` reads. Only then does moto see it, with what `services` put in its
    place, and `gate.agreement` holds it to the operation that was allowed. `control` is beside the
    gate: what is not AWS's API (accounts, topics, stacks, the clock) under `/_sandbox/`.

What the trail has
    `trail.witness` tells `trail.history` of every signed call, let through or denied, and of every
    AssumeRoleWithWebIdentity that gave credentials or met a trust policy that refused; CloudTrail's
    LookupEvents finds them there, management events only, at two requests a second.

How somebody gets into the console
    `services.console_sign_in` plays the federation endpoint at `/federation`, whatever the host:
    a session's credentials become a sign-in token, which works once, for fifteen minutes, and
    leads to a page that names the principal and where a browser would be by now.

How a stack is made
    `cloudformation.stacks` makes it with the calls of the account's administrator. A custom
    resource is asked for through its SNS topic: `topics` delivers a message that `sns_signer`
    signed, and `custom_resources` waits until the answer arrives in CloudFormation's own bucket,
    which `answers` plays. What AWS serves at other hosts than its endpoints is told apart here by
    the Host header.

Who signs in
    `people` stands in for the organisation's OpenID provider, under `/_people`; see there.

Strict
    - Every call but AssumeRoleWithWebIdentity carries a Signature Version 4 by credentials that
      the sandbox gave out, live, with their session token.
    - Identity policies (inline, AWS-managed, the account's own, of groups), permissions boundary
      and session policies are evaluated for each call anew; Deny before Allow. Malformed
      documents, unknown elements and unknown condition operators are refused when written.
    - Doubt counts against the caller: for a resource, a policy variable or a value that the
      sandbox cannot determine, an Allow does not match and a Deny does. An operation that it
      cannot map to an action is refused.
    - AssumeRole asks the role's trust policy and the caller's own policies; ExternalId, maximum
      duration, one hour for chained roles, source identity and transitive tags passed on.
    - AssumeRoleWithWebIdentity: see `web_identity`, and `web_identity.trust` for what a trust
      policy is told. IAM's identity providers: see `state.identity_providers`.
    - KMS signs digests as digests, and only with keys that are enabled.
    - IAM's quotas: trust policy 2,048 characters, inline policies of a role 10,240, ten managed
      policies a role, session durations from one hour to twelve.

Stricter than AWS
    - A caller whom a trust policy of its own account names directly needs an Allow too.
    - Services other than STS, IAM, KMS and S3 are asked on an unknown resource, so that an Allow
      for one ARN of theirs permits nothing here.
    - Presigned URLs, directory buckets, S3 Control, `NotPrincipal`, key policies other than the
      default and bucket policies are refused.
    - DeleteObjects needs s3:DeleteObject on `*`.
    - The federation endpoint takes GET only, and no SessionDuration, which AWS refuses for chained
      roles. No bucket can be called `federation`.

Unconfirmed
    - Texts of refusals follow AWS's published forms; only those for web identities were recorded.
    - An operation of another service has its own name as its action, apart from the few in
      `needs`. Where IAM calls it otherwise, an Allow by the true name permits nothing here, and a
      Deny by the true name does not reach it.
    - What a Deny on `{"AWS": "*"}` says of a federated caller; here it reaches it.
    - `iam:PassRole` is not asked for, service control policies and VPC endpoints do not exist.

Lenient
    - IAM and STS accept plain http issuers, with a port, on 127.0.0.1 and localhost.
    - Calls come over plain http, and `aws:SecureTransport` is "true" all the same.
    - SNS has no topic policies: whoever's own policies allow it may publish to any topic.
    - CloudFormation waits two minutes for a custom resource and not an hour. Of a role it changes
      the trust policy, the description and the longest session only.
    - A change of a policy takes effect at once; AWS may take minutes. `--role-delay` plays that
      for new roles, `PUT /_sandbox/policy-delay` for changes of a role's policies.
    - The trail tells nothing of sign-ins to the console, which AWS records.
    - The trail shows an event at once; AWS takes up to 15 minutes. All exchanges stand in
      us-east-1, since an unsigned call names no Region.
    - The control interface is open to everybody on the machine.

Offset of the clock
    `PUT /_sandbox/clock` ages what the sandbox issued and moves the times in token checks and
    condition keys. Signatures are checked against the machine's time, with which clients sign.
    KMS deletion dates and creation dates of IAM entities are moto's, so the machine's.
"""
