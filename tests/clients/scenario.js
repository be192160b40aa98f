// The scenario with mysql2, with compression.
const mysql = require('mysql2/promise');
const assert = require('assert');
const { DBUSER: user, PASSWORD: password } = process.env;
(async () => {
  const c = await mysql.createConnection({
    host: '127.0.0.1', port: +process.env.PORT, user, password, multipleStatements: true, compress: true });
  await c.query('DROP DATABASE IF EXISTS js');
  await c.query('CREATE DATABASE js');
  await c.changeUser({ user, password, database: 'js' });
  await c.query("CREATE TABLE t (id BIGINT AUTO_INCREMENT PRIMARY KEY, v VARCHAR(50)) COMMENT 'shard by hash(id)'");
  const [r] = await c.execute('INSERT INTO t (v) VALUES (?), (?), (?)', ['a', 'b', 'c']);
  assert.strictEqual(r.affectedRows, 3);
  assert.strictEqual(r.insertId, 1);
  for (let i = 0; i < 10; i++) {
    const [rows] = await c.execute('SELECT * FROM t WHERE id = ?', [2]);
    assert.deepStrictEqual(rows.map(x => [x.id, x.v]), [[2, 'b']]);
  }
  const [all] = await c.query('SELECT * FROM t WHERE id = 1; SELECT * FROM t WHERE id = 3; SELECT 7 AS n');
  assert.deepStrictEqual([all[0][0].v, all[1][0].v, all[2][0].n], ['a', 'c', 7]);
  const big = 'y'.repeat(300000);
  const [[b]] = await c.query('SELECT ? AS big', [big]);
  assert.strictEqual(b.big, big);
  await c.beginTransaction();
  await c.execute('DELETE FROM t WHERE id = ?', [1]);
  await c.rollback();
  const [rows] = await c.query('SELECT id FROM t');
  assert.strictEqual(rows.length, 3);
  await assert.rejects(c.query('SELECT * FROM nothing'), e => e.errno === 1146 && e.sqlState === '42S02');
  await c.query('DROP DATABASE js');
  await c.end();
  console.log('all fine');
})().catch(e => { console.error(e); process.exit(1); });
