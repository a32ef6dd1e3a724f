-- The claims of a run that is no more, ?1 for one run or 0 for all. The time is the claim's: nobody knows a better one.
UPDATE records INDEXED BY records_open SET state = 2, prior = state, error = ?2, at = claimed_at
WHERE state IN (1, 2) AND state = 1 AND (?1 = 0 OR run = ?1)
