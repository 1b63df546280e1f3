-- How many orders happened in a period: what a simulation has before it.
-- ?1 from (null: the first)   ?2 to, exclusive (null: the last)
SELECT count(*) FROM orders WHERE occurred_at >= coalesce(?1, 0) AND occurred_at < coalesce(?2, 9223372036854775807)
