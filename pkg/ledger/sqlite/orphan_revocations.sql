-- The same for revocations.
UPDATE revocations INDEXED BY revocations_open SET state = 2, prior = state, error = ?2, at = claimed_at
WHERE state = 1 AND (?1 = 0 OR run = ?1)
