"""The scenario with PyMySQL."""
import os
import pymysql

USER, PASSWORD = os.environ["DBUSER"], os.environ["PASSWORD"]

c = pymysql.connect(host="127.0.0.1", port=int(os.environ["PORT"]), user=USER, password=PASSWORD, autocommit=True,
                    local_infile=True)
k = c.cursor()
k.execute("DROP DATABASE IF EXISTS py")
k.execute("CREATE DATABASE py")
c.select_db("py")
k.execute("CREATE TABLE t (id INT PRIMARY KEY, v VARCHAR(50)) COMMENT 'shard by hash(id)'")
assert k.executemany("INSERT INTO t VALUES (%s, %s)", [(i, f"v{i}") for i in range(100)]) == 100
for i in range(100):
    k.execute("SELECT v FROM t WHERE id = %s", (i,))
    assert k.fetchone() == (f"v{i}",)
assert k.execute("SELECT * FROM t") == 100
c.begin()
k.execute("UPDATE t SET v = 'x' WHERE id = 5")
c.rollback()
k.execute("SELECT v FROM t WHERE id = 5")
assert k.fetchone() == ("v5",)
try:
    k.execute("INSERT INTO t VALUES (5, 'dup')")
    raise SystemExit("a duplicate went through")
except pymysql.err.IntegrityError as e:
    assert e.args[0] == 1062
with open("load.txt", "w") as f:
    f.write("".join(f"{i}\trow {i}\n" for i in range(1000)))
k.execute("CREATE TABLE s (id INT PRIMARY KEY, v TEXT)")
assert k.execute("LOAD DATA LOCAL INFILE 'load.txt' INTO TABLE s") == 1000
os.remove("load.txt")
k.execute("SELECT COUNT(*) FROM s")
assert k.fetchone() == (1000,)
try:
    k.execute("LOAD DATA LOCAL INFILE 'load.txt' INTO TABLE t")
    raise SystemExit("LOAD DATA into a sharded table went through")
except pymysql.err.NotSupportedError as e:
    assert e.args[0] == 1235
tls = pymysql.connect(host="127.0.0.1", port=int(os.environ["PORT"]), user=USER, password=PASSWORD,
                      ssl={"check_hostname": False, "verify_mode": False})
tk = tls.cursor()
tk.execute("SELECT 'x' FROM py.t WHERE id = 1")
assert tk.fetchone() == ("x",)
ss = pymysql.connect(host="127.0.0.1", port=int(os.environ["PORT"]), user=USER, password=PASSWORD, database="py",
                     cursorclass=pymysql.cursors.SSCursor)
sk = ss.cursor()
sk.execute("SELECT * FROM t")
assert len(list(sk)) == 100
tls.close()
ss.close()
k.execute("DROP DATABASE py")
print("all fine")
