"""People: accounts and how they sign in, members and their roles, invitations, team members.

`accounts`, `signin`, `sessions` and `second_factor` work in an auth scope (the login that alone reads credentials);
`members`, `invitations` (but for opening and accepting) and `team` in the organization, as the person who asks.
"""
