-- Reads that need rows of several shards together; everything a client sees must agree with one plain server.
CREATE TABLE u (id INT NOT NULL PRIMARY KEY, name VARCHAR(20), city INT, born DATE, KEY (city)) COMMENT 'shard by hash(id)'
CREATE TABLE o (id INT NOT NULL, u_id INT NOT NULL, total DECIMAL(10,2), at DATETIME(3), note TEXT, PRIMARY KEY (id, u_id), KEY (u_id)) COMMENT 'shard by hash(u_id)'
CREATE TABLE i (o_id INT NOT NULL, n INT NOT NULL, what VARCHAR(30) COLLATE utf8mb4_bin, price DOUBLE, f FLOAT, PRIMARY KEY (o_id, n)) COMMENT 'shard by hash(o_id)'
CREATE TABLE city (id INT NOT NULL PRIMARY KEY, name VARCHAR(20)) COMMENT 'shard by reference'
CREATE TABLE lone (id INT NOT NULL PRIMARY KEY, v INT, u_id INT)
CREATE TABLE empty (id INT NOT NULL PRIMARY KEY, v INT) COMMENT 'shard by hash(id)'
INSERT INTO u VALUES (1, 'Anna', 1, '1990-01-01'), (2, 'bob', 2, '1985-06-15'), (3, 'Carl', 1, NULL), (4, 'anna', NULL, '2001-12-31'), (5, 'Änne', 2, '1990-01-01'), (6, NULL, 3, '1970-01-01'), (7, 'dora', 9, '1999-09-09')
INSERT INTO o VALUES (1, 1, 10.50, '2026-01-01 10:00:00.123', 'a'), (2, 1, 20.00, '2026-01-02', 'b'), (3, 2, 5.25, '2026-01-01', NULL), (4, 3, 99.99, '2026-02-01', 'c'), (5, 5, 0.01, '2026-01-15', 'd'), (6, 5, 0.02, NULL, 'a'), (7, 8, 7.00, '2025-12-31', 'lost')
INSERT INTO i VALUES (1, 1, 'pen', 1.5, 0.1), (1, 2, 'Pen', 2.25, 1e10), (2, 1, 'ink', 1e-5, -3.25), (3, 1, 'cup', 1.0, 0), (4, 1, 'pen', 1.1, 7.7), (5, 1, 'cup ', 3, 1.17549e-38), (9, 1, 'ghost', 0, 0)
INSERT INTO city VALUES (1, 'Bern'), (2, 'Rom'), (3, 'Oslo')
INSERT INTO lone VALUES (1, 10, 1), (2, 20, 2), (3, 30, 99)
-- ORDER BY, LIMIT
SELECT * FROM u ORDER BY id
SELECT id, name FROM u ORDER BY name, id
SELECT name FROM u ORDER BY name DESC, id DESC LIMIT 3
SELECT id FROM u ORDER BY id LIMIT 2, 3
SELECT id FROM u ORDER BY born IS NULL, born, id
SELECT id, total FROM o ORDER BY total * -1
SELECT id, total AS t FROM o ORDER BY t DESC LIMIT 2 OFFSET 1
SELECT * FROM i ORDER BY f, price, o_id, n
SELECT what FROM i ORDER BY what, o_id, n
SELECT id FROM u ORDER BY id LIMIT 0
SELECT id FROM empty ORDER BY id
-- aggregates and groups
SELECT COUNT(*) FROM u
SELECT COUNT(*), COUNT(name), COUNT(DISTINCT city) FROM u
SELECT SUM(total), AVG(total), MIN(total), MAX(total) FROM o
SELECT SUM(price), AVG(price), SUM(f), STDDEV(price), VARIANCE(f) FROM i
SELECT COUNT(*), SUM(v), MAX(v), GROUP_CONCAT(v) FROM empty
SELECT city, COUNT(*) FROM u GROUP BY city ORDER BY city
SELECT city, COUNT(*) AS n FROM u GROUP BY city HAVING n > 1 ORDER BY n DESC, city
SELECT name, COUNT(*) FROM u GROUP BY name ORDER BY name
SELECT what, SUM(price) FROM i GROUP BY what ORDER BY what
SELECT city, GROUP_CONCAT(name ORDER BY name, id SEPARATOR '|') FROM u GROUP BY city ORDER BY 1
SELECT YEAR(born) AS y, COUNT(*) FROM u GROUP BY y ORDER BY y
SELECT city, COUNT(*) FROM u GROUP BY city WITH ROLLUP
SELECT BIT_OR(city), BIT_AND(city), BIT_XOR(city) FROM u
SELECT JSON_ARRAYAGG(id ORDER BY id) FROM u
SELECT ROUND(AVG(total), 1) + COUNT(*) FROM o
SELECT COUNT(*) FROM o WHERE total > (SELECT AVG(total) FROM o)
-- DISTINCT
SELECT DISTINCT city FROM u ORDER BY city
SELECT DISTINCT name FROM u ORDER BY name
SELECT COUNT(DISTINCT what) FROM i
-- joins off the key
SELECT u.name, i.what FROM u JOIN o ON o.u_id = u.id JOIN i ON i.o_id = o.id ORDER BY u.id, i.o_id, i.n
SELECT u.id, o.id FROM u LEFT JOIN o ON o.u_id = u.id AND o.total > 1 ORDER BY 1, 2
SELECT o.id, u.name FROM o LEFT JOIN u ON u.id = o.u_id WHERE u.id IS NULL ORDER BY o.id
SELECT a.id, b.id FROM u a JOIN u b ON a.name = b.name AND a.id < b.id ORDER BY 1, 2
SELECT c.name, COUNT(u.id) FROM city c LEFT JOIN u ON u.city = c.id GROUP BY c.id, c.name ORDER BY c.id
SELECT u.id, c.name FROM u RIGHT JOIN city c ON c.id = u.city ORDER BY c.id, u.id
SELECT l.id, u.name FROM lone l JOIN u ON u.id = l.u_id ORDER BY l.id
SELECT l.id, o.id FROM lone l LEFT JOIN o ON o.u_id = l.u_id ORDER BY 1, 2
SELECT COUNT(*) FROM u CROSS JOIN lone
SELECT * FROM u NATURAL JOIN lone ORDER BY id
SELECT u.id FROM u JOIN o USING (id) ORDER BY u.id
SELECT COUNT(*) FROM u, o WHERE u.id = o.u_id
-- subqueries
SELECT name FROM u WHERE id IN (SELECT u_id FROM o WHERE total > 5) ORDER BY id
SELECT name FROM u WHERE EXISTS (SELECT 1 FROM o WHERE o.u_id = u.id AND o.note = 'a') ORDER BY id
SELECT id FROM u WHERE NOT EXISTS (SELECT 1 FROM o WHERE o.u_id = u.id) ORDER BY id
SELECT id, (SELECT COUNT(*) FROM o WHERE o.u_id = u.id) AS n FROM u ORDER BY id
SELECT id FROM o WHERE total >= ALL (SELECT total FROM o)
SELECT id FROM o WHERE total < ANY (SELECT price FROM i) ORDER BY id
SELECT q.city, q.n FROM (SELECT city, COUNT(*) AS n FROM u GROUP BY city) q WHERE q.n > 1 ORDER BY q.city
SELECT (SELECT MAX(id) FROM u) AS m, (SELECT MIN(id) FROM o) AS n
SELECT v, (SELECT COUNT(*) FROM u) FROM lone ORDER BY id
-- set operations, WITH, windows
SELECT id FROM u UNION SELECT id FROM o ORDER BY 1
SELECT id FROM u UNION ALL SELECT v FROM lone ORDER BY 1 LIMIT 5
SELECT id FROM u INTERSECT SELECT u_id FROM o ORDER BY 1
SELECT id FROM u EXCEPT SELECT u_id FROM o ORDER BY 1
WITH big AS (SELECT u_id, SUM(total) AS s FROM o GROUP BY u_id) SELECT u.name, big.s FROM big JOIN u ON u.id = big.u_id ORDER BY big.s DESC
WITH RECURSIVE n (x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n WHERE x < 5) SELECT n.x, u.name FROM n LEFT JOIN u ON u.id = n.x ORDER BY n.x
SELECT id, ROW_NUMBER() OVER (PARTITION BY city ORDER BY id) AS rn FROM u ORDER BY id
SELECT id, SUM(total) OVER (ORDER BY id) AS running FROM o ORDER BY id
SELECT id, LAG(id) OVER (ORDER BY id DESC) FROM u ORDER BY id
SELECT id, PERCENTILE_CONT(0.5) WITHIN GROUP (ORDER BY total) OVER () FROM o ORDER BY id
-- session things and odd corners
SELECT SQL_CALC_FOUND_ROWS id FROM u ORDER BY id LIMIT 2
SELECT FOUND_ROWS()
SELECT COUNT(*), DATABASE() FROM u
SELECT nope FROM u ORDER BY id
SELECT id FROM u ORDER BY nope
SELECT COUNT(*) FROM u WHERE name = 'ANNA'
SELECT COUNT(*) FROM u WHERE name LIKE 'an%'
SELECT 1 / 0, COUNT(*) FROM u
SELECT id FROM u WHERE id = 1 ORDER BY id
SELECT MAX(id) FROM u WHERE id IN (1, 2)
SET @x = 2
SELECT COUNT(*) FROM u WHERE id > @x
SET sql_select_limit = 2
SELECT id FROM u ORDER BY id
SET sql_select_limit = DEFAULT
SET time_zone = '+03:00'
SELECT COUNT(*) FROM o WHERE at > '2026-01-01 00:00:00'
SET time_zone = DEFAULT
-- a transaction sees its own changes
BEGIN
UPDATE u SET city = 7 WHERE id = 1
INSERT INTO u VALUES (20, 'new', 7, NULL)
DELETE FROM u WHERE id = 2
SELECT city, COUNT(*) FROM u GROUP BY city ORDER BY city
SELECT id FROM u ORDER BY id
ROLLBACK
SELECT id, city FROM u ORDER BY id
SET autocommit = 0
INSERT INTO u VALUES (30, 'z', 1, NULL)
SELECT COUNT(*) FROM u
ROLLBACK
SET autocommit = 1
SELECT COUNT(*) FROM u
SELECT !(id = 2), id MOD 2, INTERVAL(id, 1, 3, 5) FROM u WHERE id = 1
SELECT id FROM u WHERE !(id = 2) AND id MOD 2 = 1 ORDER BY id
SELECT u.id, o.id FROM (u, o) WHERE u.id = o.u_id ORDER BY o.id
CREATE TABLE hidden (a INT, id INT PRIMARY KEY INVISIBLE, h INT INVISIBLE DEFAULT 7) COMMENT 'shard by hash(id)'
INSERT INTO hidden (a, id) VALUES (1, 1), (2, 2), (3, 3)
SELECT (SELECT MAX(h) FROM lone) FROM hidden ORDER BY a
