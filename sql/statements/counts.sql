-- How much the audit looked at.
SELECT (SELECT count(*) FROM account) AS accounts, (SELECT count(*) FROM lot) AS lots, (SELECT count(*) FROM entry) AS entries,
       (SELECT count(*) FROM posting) AS postings, (SELECT count(*) FROM orders) AS orders,
       (SELECT count(*) FROM redemption) AS redemptions
