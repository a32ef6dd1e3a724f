-- The requests of a run that is no more, ?1 for one run or 0 for all, may have arrived at any moment since their claim: they
-- count from now, the second ?2.
WITH open AS (
    SELECT account, claimed_at FROM records INDEXED BY records_open WHERE state IN (1, 2) AND state = 1 AND (?1 = 0 OR run = ?1)
    UNION ALL
    SELECT account, claimed_at FROM revocations INDEXED BY revocations_open WHERE state = 1 AND (?1 = 0 OR run = ?1)
)
INSERT INTO usage (account, second, calls)
SELECT account, claimed_at / 1000, -count(*) FROM open GROUP BY 1, 2
UNION ALL
SELECT account, ?2, count(*) FROM open GROUP BY 1
ON CONFLICT DO UPDATE SET calls = calls + excluded.calls
