-- The outcome of one claim. It gives no row where the claim was overtaken (another run or fence, invariant 8) or settled
-- by a command (another state). An unknown one still waits for its own late answer (invariant 6), and a rejected one may be
-- taken back to not_sent: its request was made all the same.
UPDATE records SET
    state = ?8, prior = state, link = ?9, candidate_id = ?10, report_id = ?11, api_status = ?12, error = ?13,
    expires = ?14, at = ?15, attempts = attempts - iif(state = 4, 0, ?16), already = ?17
WHERE account = ?1 AND assessment = ?2 AND email = ?3 AND campaign = ?4 AND format = ?5
  AND run = ?6 AND fence = ?7 AND (state IN (1, 2) OR state = 4 AND ?8 = 5)
RETURNING attempts, prior
