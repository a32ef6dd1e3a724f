-- A person's word on an unknown record, ?10 as in claim.sql. A purged one takes up no link. It gives the address under
-- which the record stands.
UPDATE records SET state = ?6, prior = state, link = iif(instr(email, '@'), ?7, ''), error = ?8, at = ?9
WHERE account = ?1 AND assessment = ?2 AND email IN (?3, ?10) AND format = ?5 AND state = 2
  AND campaign = (SELECT id FROM campaigns WHERE name = ?4)
RETURNING email
