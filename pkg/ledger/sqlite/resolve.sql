-- A person's word on an unknown record.
UPDATE records SET state = ?6, prior = state, link = ?7, error = ?8, at = ?9
WHERE account = ?1 AND assessment = ?2 AND email = ?3 AND format = ?5 AND state = 2
  AND campaign = (SELECT id FROM campaigns WHERE name = ?4)
