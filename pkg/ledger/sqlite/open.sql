-- The records of an account that are claimed or unknown. INDEXED BY makes it an error if the index does not serve.
SELECT c.name, r.assessment, r.email, r.format, r.name, coalesce(r.address, r.email), r.fingerprint, r.state, r.run,
       r.claimed_at, r.attempts, r.file, r.line, r.link, r.candidate_id, r.report_id, r.api_status, r.error, r.expires, r.at,
       r.already
FROM records r INDEXED BY records_open CROSS JOIN campaigns c ON c.id = r.campaign
WHERE r.state IN (1, 2) AND r.account = ?1
ORDER BY r.claimed_at, r.run, r.file, r.line, r.email
