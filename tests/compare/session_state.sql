-- Scripts, divided by blank lines: each runs in a session of its own, on Shardwright and on one plain MariaDB, in
-- a database that is empty before it. Everything that a client sees must agree. `again` ends the session and
-- begins another one.

SET sql_mode = 4
SELECT @@sql_mode
SET sql_mode = TRUE + 3
SELECT @@sql_mode
SET sql_mode = N'ANSI_QUOTES'
SELECT @@sql_mode
SET sql_mode = x'414E53495F51554F544553'
SELECT @@sql_mode
SET sql_mode = '\ANSI_QUOTES'
SELECT @@sql_mode
SET sql_mode = DEFAULT
SET sql_mode = "ANSI_QUOTES"
SELECT @@sql_mode
SET sql_mode = ansi_quotes
SELECT @@sql_mode
SET sql_mode = 'no_such_mode'
SELECT @@sql_mode
SET sql_mode = CONCAT(@@sql_mode, ',STRICT_ALL_TABLES')
SELECT @@sql_mode
SET sql_mode = 'ORACLE'
SELECT @@sql_mode
SET @@session.sql_mode = 'TRADITIONAL', @@foreign_key_checks = OFF
SELECT @@sql_mode, @@foreign_key_checks

CREATE TABLE t (a INT PRIMARY KEY, "x" INT)
SET sql_mode = 4
CREATE TABLE "t" ("a" INT PRIMARY KEY, "x" INT)
INSERT INTO "t" VALUES (1, 2)
SELECT "a", "x", 'x' FROM "t"
SET sql_mode = ''
SELECT "a" FROM t

SET time_zone = CONCAT('+0', 5, ':00')
SELECT @@time_zone
SET time_zone = 'nowhere'
SELECT @@time_zone
SET group_concat_max_len = 2 * 8
SELECT @@group_concat_max_len
SET group_concat_max_len = 0
SHOW WARNINGS
SELECT @@group_concat_max_len
SET optimizer_switch = 'mrr=on'
SET optimizer_switch = 'index_merge=off'
SELECT @@optimizer_switch LIKE '%mrr=on%', @@optimizer_switch LIKE '%index_merge=off%'
SET max_statement_time = 1.5, lock_wait_timeout = 7
SELECT @@max_statement_time, @@lock_wait_timeout
SET max_statement_time = 'x', lock_wait_timeout = 8
SELECT @@max_statement_time, @@lock_wait_timeout
SET lock_wait_timeout = DEFAULT
SET no_such_variable = 1
SET character_set_results = NULL
SELECT @@character_set_results
SET NAMES latin1 COLLATE latin1_bin
SELECT @@character_set_client, @@character_set_results, @@collation_connection
SET CHARACTER SET utf8mb4
SELECT @@character_set_client, @@character_set_results
SET NAMES utf8mb4 COLLATE no_such_collation
SET collation_connection = 8
SELECT @@collation_connection, @@character_set_connection

SET autocommit = 00
SELECT @@autocommit
SET autocommit = 1
SET autocommit = -0
SELECT @@autocommit
SET autocommit = TRUE
SELECT @@autocommit
SET autocommit = 2
SET autocommit = NULL
SET autocommit = '1'
SET autocommit = 'true'
SET autocommit = 1.0
SET autocommit = yes
SET autocommit = x'31'
SELECT @@autocommit, @@sql_warnings
SET autocommit = 1 - 1, sql_warnings = 1
SELECT @@autocommit, @@sql_warnings
SET autocommit = DEFAULT
SELECT @@autocommit, @@sql_warnings

SET @r = 0
CREATE TABLE t (a INT PRIMARY KEY)
INSERT INTO t VALUES (1), (2), (3)
SELECT @r := @r + 1 FROM t
SET @r = 0
SELECT @r
SELECT @r := @r + 1 AS n FROM t
SELECT @r
SELECT 6 INTO @z
SELECT @z
SET @z = 6
SELECT @z
SELECT MAX(a), MIN(a) INTO @x, @y FROM t
SELECT @x, @y
UPDATE t SET a = (@w := a) + 10
SELECT @w
SELECT a INTO @none FROM t WHERE a = 99
SELECT @none

SET @y = 10/3
SELECT @y, @y * 3
SET @d = 1e0 / 3
SELECT @d, @d * 3 = 1
SET @e = 1e0
SET @i = 7, @j = @i + 1
SELECT @e, @i, @j
SET @i := 8, @j := @i + 1
SELECT @i, @j
SET @u = CAST(-1 AS UNSIGNED), @n = -0, @m = -5
SELECT @u, @n, @m
SET @s = _latin1'e' COLLATE latin1_german1_ci, @b = x'00ff', @q = 'it''s \\ "x"', @null = NULL
SELECT @s, COLLATION(@s), HEX(@b), COLLATION(@b), @q, COLLATION(@q), @null
SET @l = _latin1 x'e9'
SELECT @l, HEX(@l), CHARSET(@l)
SET @dec = 1.50, @big = 12345678901234567890123456789, @exp = 1.5e300
SELECT @dec, @big, @exp
CREATE TABLE c AS SELECT @y AS a, @d AS b, @i AS c, @s AS d, @u AS e, @dec AS f
SHOW CREATE TABLE c
SELECT * FROM c
SET @`a b` = 'x', @'c d' = 'y', @"e" = 'z'
SELECT @`a b`, @`c d`, @e
SET @t = NOW() IS NOT NULL, @v = (SELECT COUNT(*) FROM c)
SELECT @t, @v

CREATE TABLE log (a INT)
CREATE PROCEDURE po (IN i INT, INOUT io INT, OUT o INT) BEGIN SET io = io + i; SET o = 99; END
SET @io = 1
CALL po(2, @io, @o)
SELECT @io, @o
SET @o = 5
SELECT @o
CREATE PROCEDURE pv () BEGIN SET @inside = 'seen'; SELECT 17 INTO @picked; END
CALL pv()
SELECT @inside, @picked
CREATE FUNCTION fv (x INT) RETURNS INT DETERMINISTIC BEGIN SET @in_function = x; RETURN x + 1; END
SELECT fv(4)
SELECT @in_function
CREATE TRIGGER tv BEFORE INSERT ON log FOR EACH ROW SET @last = NEW.a
INSERT INTO log VALUES (41)
SELECT @last
INSERT INTO log (a) VALUES (42)
SELECT @last
CREATE FUNCTION fi (x INT) RETURNS INT DETERMINISTIC BEGIN SELECT x INTO @into_function; RETURN x; END
SELECT fi(5)
SELECT @into_function
SET @into_function = 6
SELECT @into_function
again
SELECT @io, @o, @inside, @picked, @in_function, @last, @into_function

PREPARE s FROM 'SELECT @a := ?'
SET @p = 5
EXECUTE s USING @p
SELECT @a
SET @a = 5
SELECT @a
EXECUTE IMMEDIATE 'SELECT @b := 7'
SELECT @b
DEALLOCATE PREPARE s
SELECT @a, @b

CREATE PROCEDURE p1 () SET autocommit = 0
CREATE PROCEDURE p2 () SET time_zone = '+05:00', foreign_key_checks = 0
CREATE PROCEDURE p3 () SET SESSION TRANSACTION ISOLATION LEVEL READ UNCOMMITTED
CREATE PROCEDURE p4 () SET timestamp = 1000000000, group_concat_max_len = 4
CREATE PROCEDURE p5 () SET SESSION tx_read_only = 1
CREATE PROCEDURE p6 () CREATE TEMPORARY TABLE tmp (a INT)
CALL p1()
SELECT @@autocommit
SET autocommit = 1
CALL p2()
SELECT @@time_zone, @@foreign_key_checks
CALL p3()
SELECT @@tx_isolation
CALL p4()
SELECT NOW(), @@group_concat_max_len
CALL p6()
SELECT COUNT(*) FROM tmp
CALL p5()
SELECT @@tx_read_only
again
SELECT @@autocommit, @@time_zone, @@foreign_key_checks, @@tx_isolation, @@group_concat_max_len, @@tx_read_only
SELECT NOW() > '2020-01-01'
SELECT COUNT(*) FROM tmp

CREATE TABLE t (a INT PRIMARY KEY)
CREATE FUNCTION f1 () RETURNS INT DETERMINISTIC BEGIN SET time_zone = '+03:00'; RETURN 1; END
SELECT f1()
SELECT @@time_zone
CREATE TRIGGER t1 AFTER INSERT ON t FOR EACH ROW SET SESSION group_concat_max_len = 5
INSERT INTO t VALUES (1)
SELECT @@group_concat_max_len
again
SELECT @@time_zone, @@group_concat_max_len

CREATE TABLE t (a INT PRIMARY KEY)
CREATE PROCEDURE p1 () BEGIN SET autocommit = 0; SET @v = 3; INSERT INTO t VALUES (1); INSERT INTO t VALUES (1); END
CALL p1()
SELECT @@autocommit, @v
SET @v = 4
SELECT @v
again
SELECT @@autocommit, @v
INSERT INTO t VALUES (2)
again
SELECT * FROM t WHERE a = 2

CREATE TABLE base (a INT PRIMARY KEY, b INT)
INSERT INTO base VALUES (1, 1)
CREATE TEMPORARY TABLE base (a INT PRIMARY KEY, c INT)
INSERT INTO base VALUES (7, 7)
CREATE INDEX i ON base (c)
ALTER TABLE base ADD COLUMN d INT
SELECT * FROM base
TRUNCATE TABLE base
SELECT COUNT(*) FROM base
DROP INDEX i ON base
CREATE TABLE copied LIKE base
SHOW CREATE TABLE copied
DROP TABLE base
SELECT * FROM base
DROP TABLE base
SELECT * FROM base
DROP TABLE IF EXISTS base
SHOW WARNINGS

CREATE TEMPORARY TABLE only_here (a INT)
CREATE INDEX i ON only_here (a)
ALTER TABLE only_here ADD COLUMN b INT DEFAULT 3
INSERT INTO only_here (a) VALUES (1), (2)
SELECT * FROM only_here
RENAME TABLE only_here TO other
SELECT COUNT(*) FROM other
CREATE TABLE permanent (a INT)
DROP TABLE permanent, other
SELECT COUNT(*) FROM other
SELECT COUNT(*) FROM permanent
DROP TABLE IF EXISTS other
CREATE TEMPORARY TABLE again_here (a INT)
DROP TEMPORARY TABLE again_here
DROP TEMPORARY TABLE again_here
DROP TABLE IF EXISTS again_here
DROP TABLE again_here

SELECT CAST('x' AS INT)
SELECT @@warning_count
SELECT 5
SET @a = 1
BEGIN
COMMIT
SHOW WARNINGS
SHOW COUNT(*) WARNINGS
SELECT @@warning_count, @@error_count
SELECT CAST('a' AS INT), CAST('b' AS INT), CAST('c' AS INT)
SHOW WARNINGS LIMIT 1
SHOW WARNINGS LIMIT 1, 2
SHOW WARNINGS LIMIT 1 OFFSET 2
SHOW ERRORS LIMIT 5
CREATE TABLE t (a INT)
SHOW WARNINGS
SET sql_notes = 0
DROP TABLE IF EXISTS nothing_here
SHOW WARNINGS
CREATE TABLE IF NOT EXISTS t (a INT)
SHOW COUNT(*) WARNINGS

CREATE TABLE t (a INT AUTO_INCREMENT PRIMARY KEY, b INT)
CREATE PROCEDURE cursors () BEGIN DECLARE x INT; DECLARE c CURSOR FOR SELECT 1 UNION SELECT 2; OPEN c; FETCH c INTO x; SELECT x; SELECT 'two' AS two; CLOSE c; END
CALL cursors()
SELECT 1
CREATE PROCEDURE ins () BEGIN INSERT INTO t (b) VALUES (5), (6); SELECT * FROM t; END
CALL ins()
SELECT LAST_INSERT_ID(), FOUND_ROWS()
CREATE PROCEDURE only_ins () INSERT INTO t (b) VALUES (7)
CALL only_ins()
SELECT LAST_INSERT_ID()
CREATE DATABASE session_state_gone
USE session_state_gone
DROP DATABASE session_state_gone
SELECT DATABASE()
SELECT 1 FROM t

CREATE TABLE t (a INT PRIMARY KEY, b VARCHAR(9)) COMMENT 'shard by hash(a)'
INSERT INTO t VALUES (1, 'one'), (2, 'two'), (3, 'three'), (4, 'four')
SELECT b INTO @v FROM t WHERE a = 4
SELECT @v
SET @v = (SELECT b FROM t WHERE a = 2)
SELECT @v, COLLATION(@v)
CREATE PROCEDURE pc () SET NAMES latin1 COLLATE latin1_bin
CALL pc()
SELECT @@character_set_client, @@character_set_results, @@collation_connection
CREATE PROCEDURE pd () SET collation_connection = utf8mb4_bin
CALL pd()
SELECT @@collation_connection, 'a' = 'A'
again
SELECT @v, @n, @@collation_connection
