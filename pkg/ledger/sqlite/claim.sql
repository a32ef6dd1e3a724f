-- One claim. It gives no row where the claim is refused. The two CASEs are invite.History.Decide over again: judgeOther
-- in the first, judgeOwn in the second. Being one statement, nobody comes between the judgement and the claim.
-- ?1 account ?2 assessment ?3 email ?4 campaign ?5 format ?6 name ?7 address ?8 fingerprint ?9 run ?10 now ?11 file
-- ?12 line, and the policy: ?13 retry rejected ?14 email linked ?15 reinvite revoked;
-- ?16 the date about to be sent, which a crash must not forget; ?17 the digest under which the person's record stands
-- if it was purged, NULL if none ever was. A purged record of the format itself is never claimed again.
INSERT INTO records (account, assessment, email, campaign, format, name, address, fingerprint,
                     state, prior, fence, run, claimed_at, attempts, file, line, expires)
SELECT ?1, ?2, ?3, ?4, ?5, ?6, nullif(?7, ?3), ?8, 1, 0, 1, ?9, ?10, 1, ?11, ?12, ?16
WHERE NOT EXISTS (
    SELECT 1 FROM records
    WHERE account = ?1 AND assessment = ?2 AND email IN (?3, ?17) AND campaign = ?4
      AND CASE WHEN format = ?5 THEN email = ?17 ELSE CASE state
          WHEN 1 THEN true                 -- claimed
          WHEN 2 THEN ?5 = 1               -- unknown
          WHEN 3 THEN ?5 = 1 OR NOT ?14    -- invited
          WHEN 4 THEN false                -- rejected
          WHEN 5 THEN false                -- not_sent
          WHEN 6 THEN NOT ?15              -- revoked
          ELSE true END END)
ON CONFLICT DO UPDATE SET
    name = excluded.name, address = excluded.address, fingerprint = excluded.fingerprint,
    state = 1, prior = state, fence = fence + 1, run = excluded.run, claimed_at = excluded.claimed_at,
    attempts = attempts + 1, file = excluded.file, line = excluded.line,
    link = '', candidate_id = '', report_id = '', api_status = '', error = '', expires = excluded.expires, at = 0,
    already = 0
WHERE CASE state
      WHEN 1 THEN false                                         -- claimed
      WHEN 2 THEN format = 1                                    -- unknown
      WHEN 3 THEN false                                         -- invited
      WHEN 4 THEN ?13 OR fingerprint <> excluded.fingerprint    -- rejected
      WHEN 5 THEN true                                          -- not_sent
      WHEN 6 THEN ?15                                           -- revoked
      ELSE false END
RETURNING fence, attempts - 1, prior
