-- Takes back persons (?1, a JSON array of {id, sealed}) as they were written: what stands under an id with other content is not
-- theirs who wrote this.
DELETE FROM person
 WHERE id IN (SELECT p.id FROM json_each(?1) ours CROSS JOIN person p ON p.id = ours.value ->> 'id'
               WHERE p.sealed = ours.value ->> 'sealed')
