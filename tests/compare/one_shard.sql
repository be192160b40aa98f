-- Each line runs on Shardwright and on one plain MariaDB; everything a client sees must agree.
-- Lines with "sorted:" read several shards, whose rows come in any order.
CREATE TABLE h (id INT NOT NULL PRIMARY KEY, a INT, b VARCHAR(20), c DECIMAL(8,2), KEY (a)) COMMENT 'shard by hash(id)'
CREATE TABLE d (id INT NOT NULL, n INT NOT NULL, x VARCHAR(10), PRIMARY KEY (id, n)) COMMENT 'shard by hash(id)'
CREATE TABLE names (name VARCHAR(20) NOT NULL PRIMARY KEY, v INT) COMMENT 'shard by hash(name)'
CREATE TABLE two (a INT NOT NULL, b DATE NOT NULL, v INT, PRIMARY KEY (a, b)) COMMENT 'shard by hash(a, b)'
CREATE TABLE ref (id INT NOT NULL PRIMARY KEY, r VARCHAR(10)) COMMENT 'shard by reference'
CREATE TABLE s (id INT NOT NULL AUTO_INCREMENT PRIMARY KEY, t TEXT, w INT DEFAULT 7)
CREATE TABLE ids (id BIGINT NOT NULL AUTO_INCREMENT PRIMARY KEY, v INT) COMMENT 'shard by hash(id)'
INSERT INTO h VALUES (1, 10, 'one', 1.5), (2, 20, 'two', 2.5), (3, 30, 'three', NULL), (4, NULL, NULL, 4.25)
INSERT INTO h (b, id) VALUES ('five', 5)
INSERT INTO h SET id = 6, a = 60
INSERT INTO d VALUES (1, 1, 'a'), (1, 2, 'b'), (2, 1, 'c'), (3, 1, 'd'), (3, 2, 'e'), (3, 3, 'f')
INSERT INTO names VALUES ('Anna', 1), ('bob', 2), ('Carl', 3)
INSERT INTO two VALUES (1, '2026-01-01', 1), (1, '2026-01-02', 2), (2, '2026-01-01', 3)
INSERT INTO ref VALUES (1, 'x'), (2, 'y'), (10, 'ten')
INSERT INTO s (t) VALUES ('first'), ('second'), ('third')
INSERT INTO ids (v) VALUES (1), (2), (3)
SELECT * FROM h WHERE id = 1
SELECT * FROM h WHERE id = '2'
SELECT a, b AS c2, a + 1, CONCAT(b, '!') FROM h WHERE id = 3
SELECT * FROM h WHERE id = 99
SELECT * FROM h WHERE id = -1
SELECT * FROM h WHERE id = NULL
SELECT * FROM h WHERE id <=> 4
SELECT * FROM h WHERE id = 1 AND a = 10 OR id = 1 AND a = 11
SELECT * FROM h WHERE (id) = (5)
SELECT COUNT(*), SUM(c), AVG(c) FROM h WHERE id = 1
SELECT id, a FROM h WHERE id = 6 ORDER BY a DESC LIMIT 1
SELECT DISTINCT a FROM h WHERE id = 2
SELECT b FROM h WHERE id = 2 GROUP BY b HAVING COUNT(*) > 0
SELECT h.id, d.n, d.x FROM h JOIN d ON d.id = h.id WHERE h.id = 3 ORDER BY d.n
SELECT h.id, d.n FROM h LEFT JOIN d ON d.id = h.id WHERE h.id = 5
SELECT d.n, r.r FROM d JOIN ref r ON r.id = d.n WHERE d.id = 3 ORDER BY d.n
SELECT COUNT(*) FROM d WHERE id = 3 AND n IN (SELECT id FROM ref)
SELECT (SELECT MAX(n) FROM d WHERE d.id = h.id) AS m FROM h WHERE id = 3
SELECT * FROM (SELECT n FROM d WHERE id = 1) q ORDER BY n
SELECT id FROM h WHERE id = 1 UNION ALL SELECT n FROM d WHERE id = 1 ORDER BY 1
WITH q AS (SELECT n FROM d WHERE id = 3) SELECT SUM(n) FROM q
SELECT n, ROW_NUMBER() OVER (ORDER BY n DESC) AS rn FROM d WHERE id = 3 ORDER BY n
SELECT GROUP_CONCAT(x ORDER BY n SEPARATOR '-') FROM d WHERE id = 3
SELECT * FROM names WHERE name = 'anna'
SELECT * FROM names WHERE name = 'BOB  '
SELECT * FROM names WHERE name = 'nobody'
SELECT * FROM two WHERE a = 1 AND b = '2026-01-02'
SELECT * FROM two WHERE (a, b) = (2, '2026-01-01')
SELECT * FROM two WHERE b = '2026-01-01' AND a IN (2)
SELECT * FROM ref ORDER BY id
SELECT COUNT(*) FROM ref
SELECT * FROM s ORDER BY id
SELECT s.t, ref.r FROM s JOIN ref USING (id) ORDER BY 1
SELECT nope FROM h WHERE id = 1
SELECT * FROM h WHERE id = 1 AND nope = 2
SELECT 1
SELECT 1 AS a, 'x' AS b, NULL AS c, 1.5 AS d, NOW() IS NULL AS e
SELECT 'it''s', "dq", 'a\nb', x'4142', 0x43, b'1', N'n', _utf8mb4'é'
SELECT @@autocommit, @@sql_mode, @@time_zone, @@tx_isolation
SELECT @@max_allowed_packet > 0, @@version_comment IS NULL
SELECT DATABASE() IS NULL, SCHEMA()
SELECT 1 + 1, 7 DIV 2, 7 MOD 4, 1 / 0
SELECT IF(1, 'a', 'b'), COALESCE(NULL, 2), CASE WHEN 1 = 1 THEN 'y' END
SELECT CAST('12' AS UNSIGNED), CONVERT('a' USING utf8mb4), CAST(1.005 AS DECIMAL(5,2))
SELECT JSON_EXTRACT('{"a": 1}', '$.a'), JSON_OBJECT('k', 'v')
SELECT DATE_ADD('2026-01-31', INTERVAL 1 MONTH), DATEDIFF('2026-01-02', '2026-01-01')
SELECT 'a' LIKE 'A', 'a' REGEXP '^a$', 'abc' BETWEEN 'a' AND 'b'
UPDATE h SET a = a + 1 WHERE id = 1
UPDATE h SET a = a WHERE id = 1
UPDATE h SET b = 'far too long for its column, which holds 20' WHERE id = 1
UPDATE h SET c = c * 2, b = UPPER(b) WHERE id = 2 AND a = 20
UPDATE h SET a = 5 WHERE id = 99
UPDATE s SET t = CONCAT(t, '?') ORDER BY id LIMIT 2
UPDATE ref SET r = CONCAT(r, r) WHERE id < 3
SELECT * FROM ref ORDER BY id
DELETE FROM d WHERE id = 3 AND n > 1
DELETE FROM d WHERE id = 3 ORDER BY n LIMIT 1
DELETE FROM h WHERE id = 99
DELETE FROM ref WHERE id = 10
INSERT INTO h VALUES (1, 1, 'dup', 1)
INSERT INTO h (id, a) VALUES (1, 5) ON DUPLICATE KEY UPDATE a = VALUES(a), b = 'upd'
INSERT INTO h (id, a) VALUES (1, 5) ON DUPLICATE KEY UPDATE a = VALUES(a), b = 'upd'
INSERT INTO h (id) VALUES (7) ON DUPLICATE KEY UPDATE a = 1
REPLACE INTO h VALUES (7, 70, 'seven', 7)
REPLACE INTO h VALUES (7, 71, 'seven', 7)
INSERT IGNORE INTO h VALUES (7, 1, 'x', 1), (8, 8, 'eight', 8)
INSERT INTO h (id, a) VALUES (9)
INSERT INTO h (id, zzz) VALUES (9, 1)
INSERT INTO h VALUES (9, 'abc', 'x', 1)
INSERT INTO ref VALUES (1, 'dup')
INSERT INTO s (w, t) VALUES (1, 'a'), (2, 'b')
INSERT INTO s VALUES (100, 'explicit', 1)
INSERT INTO s (t) VALUES ('after')
SELECT id, t FROM s ORDER BY id
SELECT LAST_INSERT_ID()
INSERT INTO ids VALUES (NULL, 4)
SELECT LAST_INSERT_ID()
INSERT INTO ids VALUES (0, 5), (DEFAULT, 6)
SELECT LAST_INSERT_ID()
INSERT INTO ids (v) VALUES (7)
INSERT INTO ids SET v = 8
SELECT * FROM ids WHERE id = 4
SELECT * FROM ids WHERE id = LAST_INSERT_ID()
sorted: SELECT * FROM ids
sorted: SELECT * FROM h
sorted: SELECT id, b FROM h WHERE a > 5
sorted: SELECT * FROM h WHERE id IN (1, 2, 3, 4, 5)
sorted: SELECT h.id, d.x FROM h JOIN d ON d.id = h.id
sorted: SELECT h.id, d.x FROM h LEFT JOIN d ON h.id = d.id
sorted: SELECT names.*, ref.r FROM names JOIN ref ON ref.id = names.v
sorted: SELECT * FROM two WHERE b > '2026-01-01'
sorted: SELECT id FROM h WHERE nope = 1
UPDATE h SET b = 'all'
sorted: SELECT * FROM h
DELETE FROM h WHERE id IN (1, 2, 3)
sorted: SELECT * FROM h
BEGIN
INSERT INTO h VALUES (50, 1, 'tx', 1), (51, 1, 'tx', 1), (52, 1, 'tx', 1)
SELECT b FROM h WHERE id = 51
SAVEPOINT p
DELETE FROM h WHERE id = 51
SELECT b FROM h WHERE id = 51
ROLLBACK TO p
SELECT b FROM h WHERE id = 51
ROLLBACK
SELECT b FROM h WHERE id = 51
BEGIN
INSERT INTO h VALUES (60, 1, 'tx', 1), (61, 1, 'tx', 1)
COMMIT
SELECT b FROM h WHERE id = 61
ROLLBACK TO SAVEPOINT nowhere
RELEASE SAVEPOINT nowhere
SET autocommit = 0
INSERT INTO h VALUES (70, 1, 'ac', 1)
ROLLBACK
SELECT * FROM h WHERE id = 70
SET autocommit = 1
SET @v = 5
SELECT @v, @V + 1, @unset
SET @w = (SELECT COUNT(*) FROM ref), @t = 'it''s', @f = 1.5, @n = NULL
SELECT @w, @t, @f, @n
SELECT @i := 3
SELECT @i
UPDATE h SET a = @v
INSERT INTO h VALUES (90, @v, @t, @f), (91, @v, @t, @f), (92, @v, @t, @f)
sorted: SELECT * FROM h
UPDATE ids SET v = LAST_INSERT_ID() WHERE id <= LAST_INSERT_ID()
sorted: SELECT * FROM ids
sorted: SELECT id, @v FROM h WHERE a = @v
SET NAMES latin1
SELECT 'x', @@character_set_client, @@collation_connection
SET NAMES utf8mb4 COLLATE utf8mb4_bin
SELECT @@collation_connection
SET NAMES nonsense
SET sql_mode = 'ANSI_QUOTES'
SELECT "id" FROM h WHERE "id" = 60
SET sql_mode = 'NONSENSE'
SET sql_mode = DEFAULT
SET time_zone = '+05:00'
SELECT @@time_zone, FROM_UNIXTIME(0)
SET time_zone = DEFAULT
SET nonsense = 1
SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED
SELECT @@tx_isolation
SET tx_isolation = DEFAULT
USE nowhere
SELECT * FROM missing
SELECT * FROM nowhere.missing
DROP TABLE missing
DROP TABLE IF EXISTS missing
CREATE TABLE h (id INT)
CREATE TABLE IF NOT EXISTS h (id INT)
CREATE DATABASE corpus
CREATE DATABASE IF NOT EXISTS corpus
SHOW TABLES
SHOW COLUMNS FROM h
DESCRIBE two
SHOW COLLATION LIKE 'utf8mb4_general_ci'
SHOW VARIABLES LIKE 'sql_mode'
SHOW ENGINES
SELEC 1
SELECT * FROM
INSERT INTO h
SELECT 'unterminated
ALTER TABLE h ADD COLUMN extra INT DEFAULT 3
SELECT * FROM h WHERE id = 60
INSERT INTO h VALUES (80, 1, 'new', 1, 9)
SELECT * FROM h WHERE id = 80
CREATE INDEX ix ON h (b)
DROP INDEX ix ON h
ALTER TABLE h DROP COLUMN extra
CREATE VIEW sv AS SELECT id, t FROM s WHERE id < 3
SELECT * FROM sv ORDER BY id
DROP VIEW sv
RENAME TABLE two TO three
SELECT v FROM three WHERE a = 1 AND b = '2026-01-01'
TRUNCATE TABLE three
SELECT COUNT(*) FROM three WHERE a = 1 AND b = '2026-01-01'
CREATE TEMPORARY TABLE tmp (a INT)
INSERT INTO tmp VALUES (1), (2)
SELECT * FROM tmp ORDER BY a
DROP TEMPORARY TABLE tmp
DROP TABLE s, ref
SHOW TABLES

-- Names of functions as names of tables, and syntax that few write.
CREATE TABLE `user` (id INT PRIMARY KEY, `count` INT) COMMENT 'shard by hash(id)'
CREATE TABLE `uuid` (id INT PRIMARY KEY, `rand` INT) COMMENT 'shard by reference'
INSERT INTO user (id, count) VALUES (1, 2), (2, 3), (3, 4)
REPLACE INTO user(id, count) VALUES (1, 5)
INSERT INTO user () VALUES ()
INSERT user (id) VALUES (9)
INSERT INTO uuid (id, rand) VALUES (1, 2)
UPDATE uuid SET rand = 3
sorted: SELECT * FROM user
SELECT u.* FROM user u JOIN uuid USING (id)
UPDATE user u, uuid r SET u.count = r.rand WHERE u.id = 1 AND r.id = u.id
DELETE user.* FROM user WHERE user.id = 2
sorted: SELECT * FROM user
SELECT id FROM user WHERE id = 1 INTO @found
SELECT @found
SELECT count FROM user WHERE id = 1 INTO @found FOR UPDATE
SELECT @found
SELECT id FROM user ORDER BY id LIMIT 1 ROWS EXAMINED 100000
SELECT user.id, seq FROM user JOIN seq_1_to_5 ON seq = user.id ORDER BY 1
SELECT seq FROM seq_1_to_9_step_3 WHERE seq IN (SELECT id FROM user)
CREATE TABLE defaults (id INT, k INT DEFAULT 5, w VARCHAR(9) COLLATE utf8mb4_bin DEFAULT 'n', PRIMARY KEY (id, k)) COMMENT 'shard by hash(k)'
INSERT INTO defaults (id) VALUES (1), (2)
INSERT INTO defaults (id, k) VALUES (3, DEFAULT), (4, 7)
INSERT INTO defaults SET id = 9
SELECT * FROM defaults WHERE k = 5 ORDER BY id
CREATE TABLE nulls (id INT, k INT, KEY (k)) COMMENT 'shard by hash(k)'
INSERT INTO nulls (id) VALUES (1)
SELECT * FROM nulls WHERE k IS NULL
CREATE TABLE days (d DATE PRIMARY KEY, v INT) COMMENT 'shard by hash(d)'
INSERT INTO days VALUES ('1970-12-1', 1), ('1970-1-02', 2)
SELECT v FROM days WHERE d = '1970-12-01'
SELECT v FROM days WHERE d = '1970-1-2'
SELECT v FROM days WHERE d = '1970-12-1 0:0:0'
CREATE TABLE hidden (a INT, id INT PRIMARY KEY INVISIBLE, h INT INVISIBLE DEFAULT 7) COMMENT 'shard by hash(id)'
INSERT INTO hidden (a, id) VALUES (1, 1), (2, 2), (3, 3)
SELECT a, h FROM hidden ORDER BY a
SELECT h.a FROM hidden h JOIN user u USING (id) ORDER BY h.a
SELECT a FROM hidden WHERE _rowid = 2
