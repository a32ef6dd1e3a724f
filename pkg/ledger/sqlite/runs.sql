-- The runs of an account, the latest first. ?3: nobody holds the lock, so none is alive.
SELECT id, command, who, campaign, started, ended, ended = 0 AND NOT died AND NOT ?3, host, pid, files, settings, reason,
       cause, closed, counts
FROM runs INDEXED BY runs_account
WHERE account = ?1
ORDER BY id DESC
LIMIT ?2
