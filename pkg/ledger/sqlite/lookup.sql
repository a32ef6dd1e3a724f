-- All records of one person in one assessment. CROSS JOIN keeps the planner from starting with the campaigns.
SELECT c.name, r.assessment, r.email, r.format, r.name, coalesce(r.address, r.email), r.fingerprint, r.state, r.run,
       r.claimed_at, r.attempts, r.file, r.line, r.link, r.candidate_id, r.report_id, r.api_status, r.error, r.expires, r.at,
       r.already
FROM records r CROSS JOIN campaigns c ON c.id = r.campaign
WHERE r.account = ?1 AND r.assessment = ?2 AND r.email = ?3
