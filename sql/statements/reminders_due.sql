-- Where a step of reminders ends: of the points that expire from behind (?1, ?2) to before ?3 the last of at most ?4 accounts, in the
-- sequence of expiry and account.
SELECT expires_at, account_id, count(*) OVER () FROM (
  SELECT expires_at, account_id FROM lot
   WHERE remaining > 0 AND expires_at IS NOT NULL AND (expires_at, account_id) > (?1, ?2) AND expires_at < ?3
   GROUP BY expires_at, account_id ORDER BY expires_at, account_id LIMIT ?4)
 ORDER BY expires_at DESC, account_id DESC LIMIT 1
