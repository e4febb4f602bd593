"""The audit: every event of an organisation, in a chain that shows when somebody changed it afterwards.

``log.AuditLog`` writes, reads, verifies and exports; ``entries.py`` has the entries and what they are hashed over,
``table.py`` the contract of the table and one in memory, ``rows.py`` the one in SQL, ``checking.py`` what verifies a
chain, ``exports.py`` the form outside of the catalogue. docs/audit.md and docs/adr/0024.
"""
