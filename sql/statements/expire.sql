-- Expires lots that are due at ?1, at most ?2 of them: one entry an account, of at most 10^12 units (what is beyond is left
-- for the next run), ids from above ?3, all or none. What an account loses at one moment is not parted between two batches, unless
-- it is more than one. One row an entry: how many lots.
-- A statement that reads the accounts it writes is never stale. ?4 is the version of the program on record.
INSERT INTO apply_entry (id, account_id, seq, kind, amount, deficit_change, balance_after, at, occurred_at, program_version,
                         explanation, lots, postings)
WITH
  over AS (SELECT *, row_number() OVER (ORDER BY expires_at, account_id, id) AS place
             FROM (SELECT id, account_id, rule_id, remaining, expires_at FROM lot
                    WHERE remaining > 0 AND expires_at IS NOT NULL AND expires_at <= ?1
                      AND account_id NOT IN (SELECT subject FROM set_aside WHERE job = 'expire')
                    ORDER BY expires_at, account_id LIMIT ?2 + 1)),
  last AS (SELECT expires_at, account_id FROM over ORDER BY expires_at, account_id LIMIT 1 OFFSET ?2),
  whole AS (SELECT * FROM over
             WHERE NOT EXISTS (SELECT 1 FROM last)
                OR (expires_at, account_id) < (SELECT expires_at, account_id FROM last)
                OR place <= ?2
                   AND (SELECT min(expires_at) = max(expires_at) AND min(account_id) = max(account_id) FROM over)),
  due AS (SELECT * FROM (SELECT *, sum(remaining) OVER (PARTITION BY account_id ORDER BY expires_at, id) AS together FROM whole)
           WHERE together <= 1000000000000),
  -- the scale freezes with the first entry, so that the newest version tells it
  scale AS (SELECT points_scale AS digits, CAST(substr('10000', 1, points_scale + 1) AS INTEGER) AS power
              FROM program ORDER BY version DESC LIMIT 1)
SELECT ?3 + row_number() OVER (ORDER BY a.id), a.id, a.seq + 1, 'expire', sum(d.remaining), 0, a.remaining - sum(d.remaining),
       max(?1, a.last_at), max(d.expires_at), ?4,
       json_group_array(json_object('rule_id', d.rule_id, 'program_version', ?4, 'fired', json('true'),
         'points', '-' || CAST(d.remaining / s.power AS TEXT)
                   || iif(s.digits = 0, '', '.' || substr('0000' || CAST(d.remaining % s.power AS TEXT), -s.digits)),
         'code', 'expired',
         'reason', 'Not spent before ' || strftime('%Y-%m-%dT%H:%M:%SZ', d.expires_at / 1000, 'unixepoch'))),
       '[]', json_group_array(json_array(d.id, d.remaining))
  FROM due d JOIN account a ON a.id = d.account_id JOIN scale s
 GROUP BY a.id
RETURNING json_array_length(postings)
