-- Reads whose parts each shard sorts, groups and limits, and that are merged; all must agree with one plain server.
CREATE TABLE m (id INT NOT NULL PRIMARY KEY, g VARCHAR(10) COLLATE utf8mb4_general_ci, b VARCHAR(10) COLLATE utf8mb4_bin, l VARCHAR(12) CHARACTER SET latin1, u CHAR(8) COLLATE utf8mb4_unicode_ci, lv VARCHAR(8) COLLATE utf8mb4_uca1400_as_cs, np VARCHAR(8) COLLATE utf8mb4_nopad_bin, vb VARBINARY(6), tx TEXT, n INT, un BIGINT UNSIGNED, d DECIMAL(12,3), dd DECIMAL(60,5), f FLOAT, db DOUBLE, dt DATE, dtt DATETIME(3), ts TIMESTAMP NULL, ti TIME(2), y YEAR, e ENUM('z','a','m'), s SET('q','b'), bi BIT(9), z INT UNSIGNED ZEROFILL) COMMENT 'shard by hash(id)'
CREATE TABLE k (m_id INT NOT NULL, id INT NOT NULL, v INT, w DECIMAL(10,2), PRIMARY KEY (m_id, id)) COMMENT 'shard by hash(m_id)'
CREATE TABLE nil (id INT NOT NULL PRIMARY KEY, a INT, c VARCHAR(5)) COMMENT 'shard by hash(id)'
CREATE TABLE ref (id INT NOT NULL PRIMARY KEY, name VARCHAR(10)) COMMENT 'shard by reference'
INSERT INTO m VALUES (1, 'b', 'b', 'b', 'b', 'b', 'b', 'b', 'b', 5, 18446744073709551615, 1.5, 12345678901234567890123456789012345678901234567890.12345, 0.1, 1e300, '2026-01-01', '2026-01-01 10:00:00.5', '2026-01-01 00:00:01', '10:00:00.5', 2026, 'a', 'q', b'1', 7)
INSERT INTO m VALUES (2, 'Ä', 'Ä', 'Ä', 'Ä', 'Ä', 'Ä', x'00ff', 'Ä', -7, 0, -1.5, -0.00001, -3.25, -1e300, '1000-01-01', '1000-01-01', '2026-06-01 12:00:00', '-838:59:59', 1901, 'z', 'b', b'100000000', 4294967295)
INSERT INTO m VALUES (3, 'c ', 'c ', 'c ', 'c ', 'c ', 'c ', x'00', 'c ', NULL, 1, 0, 99999, 1e10, 0, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL)
INSERT INTO m VALUES (4, 'c\t', 'c\t', 'c\t', 'c\t', 'c\t', 'c\t', '', 'c\t', 10, 10, 10.125, 1, 1.1, 1.1, '2026-01-02', '2026-01-01 10:00:00.499', '2026-01-01 00:00:00', '10:00:00.49', 2025, 'm', 'q,b', b'10', 0)
INSERT INTO m VALUES (5, '', '', '', '', '', '', x'ff', '', 9, 9, 9.999, 9, 9.5, 9.25, '2025-12-31', '2025-12-31 23:59:59.999', '2025-12-31 23:59:59', '00:00:00', 2000, 'a', '', b'11', 9)
INSERT INTO m VALUES (6, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, 5, 5, -9999.5, -12345, -1e-5, 5e-324, '2026-02-28', '2026-02-28', '2026-02-28 00:00:00', '00:00:01', 1999, 'z', 'b', b'101', 5)
INSERT INTO m VALUES (7, 'cb', 'cb', 'cb', 'cb', 'cb', 'cb', 'cb', 'cb', 0, 77, 0.001, 0.5, 0, -0.0, '0000-00-00', '2026-02-28 00:00:00.001', '1999-01-01 00:00:00', '-00:00:01', 1970, 'm', 'q', b'0', 1)
INSERT INTO m VALUES (8, 'BC', 'BC', 'BC', 'BC', 'BC', 'BC', 'BC', 'BC', 2147483647, 8, 8, 8, 8, 8, '2026-01-03', '2026-01-03', '2026-03-29 01:30:00', '12:00:00', 2155, 'a', 'q,b', b'111111111', 8)
INSERT INTO m VALUES (9, 'ss', 'ss', 'ss', 'ss', 'ss', 'ss', 'ss', 'ss', -2147483648, 9223372036854775808, -8, -8, -8, -8, '2026-01-04', '2026-01-04', '2026-01-05 00:00:00', '-12:00:00', 1980, 'z', 'b', b'1000', 88)
INSERT INTO k VALUES (1, 1, 3, 1.10), (1, 2, NULL, 2.25), (2, 1, 5, -3.50), (3, 1, 3, 100.00), (3, 2, 5, 0.01), (4, 1, NULL, NULL), (5, 1, 7, 2.25), (6, 1, 3, 3.33), (7, 1, 5, 4.44), (8, 9, 1, 5.55), (99, 1, 8, 6.66), (100, 1, 3, 7.77)
INSERT INTO ref VALUES (3, 'three'), (5, 'five'), (7, 'seven')
-- one column of each type, both ways
SELECT id, g FROM m ORDER BY g, id
SELECT id, g FROM m ORDER BY g DESC, id DESC
SELECT id FROM m ORDER BY b, id
SELECT id FROM m ORDER BY l, id
SELECT id FROM m ORDER BY u DESC, id
SELECT id FROM m ORDER BY lv, id
SELECT id FROM m ORDER BY np, id
SELECT id FROM m ORDER BY vb, id
SELECT id FROM m ORDER BY tx, id
SELECT * FROM m ORDER BY n, id
SELECT id, n FROM m ORDER BY n DESC, id
SELECT id FROM m ORDER BY un
SELECT d FROM m ORDER BY d
SELECT dd, id FROM m ORDER BY dd DESC
SELECT id FROM m ORDER BY f
SELECT id, db FROM m ORDER BY db, id
SELECT dt, id FROM m ORDER BY dt, id
SELECT dtt FROM m ORDER BY dtt, id
SELECT id, ts FROM m ORDER BY ts
SELECT id FROM m ORDER BY ti, id
SELECT ti, id FROM m ORDER BY ti DESC, id
SELECT y, id FROM m ORDER BY y, id
SELECT id, e FROM m ORDER BY e, id
SELECT id, s FROM m ORDER BY s DESC, id
SELECT id, bi FROM m ORDER BY bi, id
SELECT z FROM m ORDER BY z, id
-- items, positions, aliases, expressions
SELECT id, n AS x FROM m ORDER BY x, id
SELECT id, n + 1 AS x FROM m ORDER BY x DESC, 1
SELECT n, id FROM m ORDER BY 1, 2
SELECT id, UPPER(g) AS g FROM m ORDER BY g, id
SELECT id FROM m ORDER BY n IS NULL, n * 2 - 1 DESC, id
SELECT id FROM m ORDER BY -n, id
SELECT id FROM m ORDER BY LENGTH(tx), id
SELECT id, YEAR(dtt) AS y FROM m ORDER BY y, id
SELECT m.*, n FROM m ORDER BY m.id
SELECT id, g FROM m WHERE id > 2 AND n IS NOT NULL ORDER BY dt, id
SELECT m.id, k.v FROM m JOIN k ON k.m_id = m.id ORDER BY k.w, m.id, k.id
SELECT m.id, k.id, k.w FROM m LEFT JOIN k ON k.m_id = m.id AND k.v > 2 ORDER BY m.g, k.w, m.id
SELECT k.m_id, ref.name FROM k JOIN ref ON ref.id = k.v ORDER BY ref.name, k.m_id, k.id
SELECT id FROM m ORDER BY nope
SELECT id, id FROM m ORDER BY 3
SELECT a FROM nil ORDER BY a
-- LIMIT
SELECT id FROM m ORDER BY id LIMIT 3
SELECT id FROM m ORDER BY id DESC LIMIT 2, 3
SELECT id FROM m ORDER BY g, id LIMIT 4 OFFSET 3
SELECT id FROM m ORDER BY id LIMIT 100, 5
SELECT id FROM m ORDER BY id LIMIT 0
SELECT id FROM m ORDER BY id LIMIT 18446744073709551615
SELECT id FROM m ORDER BY id LIMIT 7, 18446744073709551615
sorted: SELECT id FROM m LIMIT 100
-- aggregates
SELECT COUNT(*) FROM m
SELECT COUNT(*), COUNT(n), SUM(n), AVG(n), MIN(n), MAX(n) FROM m
SELECT SUM(d), AVG(d), MIN(d), MAX(d) FROM m
SELECT SUM(dd), AVG(dd), MAX(dd), MIN(dd) FROM m WHERE id <> 1
SELECT MIN(g), MAX(g), MIN(b), MAX(b), MIN(vb), MAX(tx) FROM m WHERE id NOT IN (3, 4)
SELECT MIN(dt), MAX(dt), MIN(dtt), MAX(dtt), MIN(ts), MAX(ts), MIN(ti), MAX(ti), MIN(y), MAX(y) FROM m
SELECT MIN(f), MAX(f), MIN(db), MAX(db), MIN(e), MAX(s), MIN(bi), MAX(z) FROM m
SELECT SUM(un), AVG(un), MAX(un), MIN(un) FROM m
SELECT BIT_OR(n), BIT_AND(z), BIT_XOR(un) FROM m WHERE n >= 0
SELECT SUM(f), AVG(db) FROM m WHERE id IN (4, 5)
SELECT COUNT(*) AS c, 5, 'x' FROM m WHERE n > 5
SELECT COUNT(*), SUM(a), AVG(a), MIN(a), MAX(c), BIT_OR(a), BIT_AND(a) FROM nil
SELECT SUM(v), AVG(v), SUM(w), AVG(w) FROM k
SELECT AVG(w * 3), SUM(w * v), AVG(v + 1) FROM k
SELECT COUNT(*) FROM m ORDER BY 1 LIMIT 1
SELECT COUNT(*) FROM m LIMIT 1, 1
SELECT COUNT(*) FROM m LIMIT 0
SELECT COUNT(*) FROM m JOIN k ON k.m_id = m.id WHERE k.w > 1
SELECT SUM(k.w) FROM k JOIN ref ON ref.id = k.v
SELECT COUNT(DISTINCT n), SUM(DISTINCT n) FROM m
SELECT STDDEV(n), GROUP_CONCAT(id ORDER BY id) FROM m
SELECT SUM(n) / COUNT(*), SUM(n) + 1 FROM m
-- groups
SELECT v, COUNT(*) FROM k GROUP BY v ORDER BY v
SELECT v, COUNT(*) FROM k GROUP BY v
SELECT v, COUNT(*), SUM(w), AVG(w), MIN(w), MAX(w) FROM k GROUP BY v ORDER BY v DESC
SELECT w, COUNT(*) FROM k GROUP BY w ORDER BY w
SELECT v, w, COUNT(*) FROM k GROUP BY v, w ORDER BY w DESC, v
SELECT COUNT(*) AS c, v FROM k GROUP BY v ORDER BY c DESC, v
SELECT v, SUM(w) AS s FROM k GROUP BY v ORDER BY s DESC LIMIT 2
SELECT v, AVG(w) FROM k GROUP BY v ORDER BY AVG(w), v LIMIT 1, 3
SELECT v, COUNT(*) FROM k GROUP BY v ORDER BY COUNT(*) DESC, v LIMIT 3
SELECT v, COUNT(*) FROM k GROUP BY v ORDER BY 2, 1
SELECT v, COUNT(*) FROM k GROUP BY v ORDER BY v LIMIT 2
SELECT v + 1 AS p, COUNT(*) FROM k GROUP BY p ORDER BY p
SELECT g, MAX(n) FROM m GROUP BY g ORDER BY g
SELECT e, COUNT(*), MIN(dt) FROM m GROUP BY e ORDER BY e
SELECT s, COUNT(*) FROM m GROUP BY s
SELECT f, COUNT(*) FROM m GROUP BY f ORDER BY f
SELECT YEAR(dtt) AS y, COUNT(*) AS n FROM m GROUP BY y ORDER BY n DESC, y
SELECT YEAR(dtt), MONTH(dtt), SUM(n) FROM m GROUP BY YEAR(dtt), MONTH(dtt) ORDER BY 1, 2
SELECT ts, MAX(ts) FROM m GROUP BY ts ORDER BY ts
SELECT n, n * 2, COUNT(*) FROM m GROUP BY n ORDER BY n
SELECT COUNT(*) FROM m GROUP BY n ORDER BY n
SELECT k.v, COUNT(*), MIN(m.n) FROM m JOIN k ON k.m_id = m.id GROUP BY k.v ORDER BY k.v
SELECT v, COUNT(*) FROM k GROUP BY v HAVING COUNT(*) > 1 ORDER BY v
SELECT v, COUNT(*) FROM k GROUP BY 1 ORDER BY 1
SELECT v FROM k GROUP BY v HAVING COUNT(*) > 1 ORDER BY v
SELECT v, SUM(w) AS s FROM k GROUP BY v HAVING s > 3.5 AND COUNT(*) <= 4 ORDER BY s DESC
SELECT v, SUM(w) AS s FROM k GROUP BY v HAVING s >= 12.20 ORDER BY v
SELECT v FROM k GROUP BY v ORDER BY COUNT(*) DESC, v LIMIT 2
SELECT v, COUNT(*) FROM k GROUP BY v HAVING 2 < COUNT(*) ORDER BY v LIMIT 1
SELECT v, COUNT(*) AS c FROM k GROUP BY v HAVING c = 4 OR c = 1 ORDER BY v
SELECT v FROM k GROUP BY v HAVING SUM(w) < -1 ORDER BY v
SELECT v FROM k GROUP BY v HAVING SUM(w) <> 0.0 AND SUM(v) > 0 ORDER BY SUM(w) DESC LIMIT 1, 2
SELECT v, AVG(w) FROM k GROUP BY v HAVING AVG(w) > 1 ORDER BY v
SELECT v FROM k GROUP BY v HAVING v > 3 ORDER BY v
SELECT v, MAX(w) FROM k GROUP BY v HAVING MAX(w) > 5 ORDER BY v
SELECT n FROM m GROUP BY n HAVING SUM(f) > 1 ORDER BY n
SELECT COUNT(*) FROM m HAVING COUNT(*) > 3
SELECT c, SUM(a) FROM nil GROUP BY c ORDER BY c
SELECT g AS n, COUNT(*) FROM m GROUP BY n ORDER BY n
-- DISTINCT
SELECT DISTINCT v FROM k ORDER BY v
sorted: SELECT DISTINCT v FROM k
SELECT DISTINCT w, v FROM k ORDER BY v, w DESC LIMIT 5
SELECT DISTINCT e, s FROM m ORDER BY s, e
SELECT DISTINCT n FROM m ORDER BY n LIMIT 2, 2
-- conditions that go ahead to copies
SELECT m.id, k.w FROM m JOIN k ON k.v = m.n WHERE k.w > 1 AND m.id < 9 ORDER BY m.id, k.w
SELECT id, RANK() OVER (ORDER BY n) FROM m WHERE n > 0 AND g <> 'zz' ORDER BY id
SELECT COUNT(*) FROM m LEFT JOIN k ON k.v = m.n AND k.w > 3 WHERE k.v IS NULL AND m.n > 0
SELECT COUNT(*) FROM m a JOIN m b ON a.n < b.n WHERE a.n > 0 AND b.n > 5
SELECT id FROM m WHERE n IN (SELECT v FROM k WHERE w >= 2.25 AND v < 100) AND dt >= '2020-01-01' ORDER BY id
SELECT COUNT(*), COUNT(*) OVER () FROM m WHERE g = 5
SELECT COUNT(DISTINCT n) FROM m WHERE g LIKE 'c%' OR b IN ('b', 'ss')
SELECT COUNT(DISTINCT n) FROM m WHERE ts > '2026-01-01' AND dt BETWEEN '2026-01-01' AND '2026-12-31'
SELECT COUNT(DISTINCT n) FROM m WHERE dt > 'nonsense'
-- nothing to find
SELECT id FROM m WHERE 1 = 0 ORDER BY id
SELECT COUNT(*), SUM(n) FROM m WHERE 1 = 0
SELECT id FROM m WHERE id IS NULL ORDER BY id
SELECT id FROM m WHERE id BETWEEN 9 AND 3 ORDER BY id
-- a transaction sees its own changes
BEGIN
UPDATE m SET n = 1000 WHERE id = 3
INSERT INTO k VALUES (500, 1, 3, 0.05)
SELECT id, n FROM m ORDER BY n DESC LIMIT 2
SELECT v, SUM(w) FROM k GROUP BY v ORDER BY v
SELECT id FROM m ORDER BY id FOR UPDATE
ROLLBACK
SELECT COUNT(*), SUM(n) FROM m
SET time_zone = '+05:30'
SELECT id, ts FROM m ORDER BY ts
SELECT MIN(ts), MAX(ts) FROM m
SET time_zone = DEFAULT
SET NAMES latin1
SELECT id, l FROM m ORDER BY l, id
SELECT COUNT(DISTINCT n) FROM m WHERE g = 'BC'
SET NAMES utf8mb4
-- values that a collation calls equal: which one is the smallest depends on the order of rows
CREATE TABLE tie (id INT NOT NULL PRIMARY KEY, s VARCHAR(5) COLLATE utf8mb4_general_ci, n INT) COMMENT 'shard by hash(id)'
INSERT INTO tie VALUES (1, 'A', 1), (2, 'a', 1), (3, 'a', 1), (4, 'A', 2), (5, 'a ', 2), (6, 'A', 2), (7, 'B', 2), (8, 'b', 1), (9, 'B', 1), (10, 'b ', 2)
SELECT MIN(s), MAX(s) FROM tie
SELECT MIN(s), MAX(s) FROM tie WHERE id > 1
SELECT MIN(s), MAX(s) FROM tie WHERE id > 2
SELECT MIN(s), MAX(s) FROM tie WHERE id > 3
SELECT MIN(s), MAX(s) FROM tie WHERE id > 4
SELECT n, MIN(s), MAX(s) FROM tie GROUP BY n ORDER BY n
