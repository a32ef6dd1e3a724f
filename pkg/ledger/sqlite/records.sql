-- The records of an account that fit. A range of assessments stands for one or all, so that one is found by the key.
-- ?1 account ?2 ?3 assessments from and to; ?4 run, 0 for any; ?5 campaign, '' for any; ?6 e-mail, '' for any, and ?7 its
-- digest as in claim.sql; ?8 the states as bits.
-- No index serves the order, because every claim would pay for it. SQLite sorts on disk what does not fit its cache.
SELECT c.name, r.assessment, r.email, r.format, r.name, coalesce(r.address, r.email), r.fingerprint, r.state, r.run,
       r.claimed_at, r.attempts, r.file, r.line, r.link, r.candidate_id, r.report_id, r.api_status, r.error, r.expires, r.at,
       r.already
FROM records r CROSS JOIN campaigns c ON c.id = r.campaign
WHERE r.account = ?1 AND r.assessment BETWEEN ?2 AND ?3 AND (?4 = 0 OR r.run = ?4) AND (?5 = '' OR c.name = ?5)
  AND (?6 = '' OR r.email IN (?6, ?7)) AND (1 << r.state) & ?8
ORDER BY r.run, r.file, r.line, r.email, r.assessment, r.campaign, r.format
