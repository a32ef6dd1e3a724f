-- What became of one revocation. It gives no row where its claim was overtaken, as in record.sql.
UPDATE revocations SET state = ?8, prior = state, error = ?9, at = ?10
WHERE account = ?1 AND assessment = ?2 AND email = ?3 AND format = ?5 AND run = ?6 AND fence = ?7 AND state IN (1, 2)
  AND campaign = (SELECT id FROM campaigns WHERE name = ?4)
RETURNING prior
