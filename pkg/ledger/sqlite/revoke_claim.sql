-- The mark that a record's invitation is about to be revoked. It gives no row where the record is not invited, has no id to
-- name it by, or somebody alive is at it.
INSERT INTO revocations (account, assessment, email, campaign, format, state, prior, fence, run, claimed_at)
SELECT account, assessment, email, campaign, format, 1, 0, 1, ?6, ?7 FROM records
WHERE account = ?1 AND assessment = ?2 AND email = ?3 AND format = ?5 AND state = 3 AND report_id <> ''
  AND campaign = (SELECT id FROM campaigns WHERE name = ?4)
ON CONFLICT DO UPDATE SET
    state = 1, prior = state, fence = fence + 1, run = excluded.run, claimed_at = excluded.claimed_at, error = '', at = 0
WHERE state <> 1
RETURNING fence
