-- A record as it is to stand after an import. A claim that is still out must not record over it: hence its fence.
INSERT INTO records (account, assessment, email, campaign, format, name, address, fingerprint, state, prior, fence, run,
                     claimed_at, attempts, file, line, link, candidate_id, report_id, error, expires, at)
VALUES (?1, ?2, ?3, ?4, ?5, ?6, nullif(?7, ?3), ?8, ?9, 0, 1, 0, ?10, 0, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18)
ON CONFLICT DO UPDATE SET
    state = excluded.state, prior = state, fence = fence + 1, link = excluded.link, candidate_id = excluded.candidate_id,
    report_id = excluded.report_id, error = excluded.error, expires = excluded.expires, at = excluded.at
