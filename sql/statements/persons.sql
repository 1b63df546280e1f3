-- Persons as these commands (?1, a JSON array of ids) wrote them: id, member, sealed data.
SELECT p.id, p.member_id, p.sealed FROM json_each(?1) wanted CROSS JOIN person p ON p.id = wanted.value
