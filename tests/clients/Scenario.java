// The scenario with Connector/J: client- and server-side prepared statements, batches, a cursor.
import java.sql.*;

public class Scenario {
    static void check(boolean fine, String what) {
        if (!fine) throw new RuntimeException(what);
    }

    public static void main(String[] args) throws Exception {
        String at = "jdbc:mysql://127.0.0.1:" + System.getenv("PORT") + "/";
        String user = System.getenv("DBUSER"), password = System.getenv("PASSWORD");
        // Without TLS the password travels encrypted with the server's key.
        String login = "?sslMode=DISABLED&allowPublicKeyRetrieval=true";
        try (Connection c = DriverManager.getConnection(at + login, user, password)) {
            c.createStatement().execute("DROP DATABASE IF EXISTS java");
            c.createStatement().execute("CREATE DATABASE java");
        }
        for (String options : new String[] {"", "&useServerPrepStmts=true&rewriteBatchedStatements=true",
                "&useServerPrepStmts=true&useCursorFetch=true&defaultFetchSize=10"}) {
            try (Connection c = DriverManager.getConnection(at + "java" + login + options, user, password)) {
                run(c);
            }
        }
        System.out.println("all fine");
    }

    static void run(Connection c) throws SQLException {
        Statement s = c.createStatement();
        s.execute("DROP TABLE IF EXISTS t");
        s.execute("DROP TABLE IF EXISTS one");
        s.execute("CREATE TABLE t (id BIGINT PRIMARY KEY AUTO_INCREMENT, v VARCHAR(30)) COMMENT 'shard by hash(id)'");
        s.execute("CREATE TABLE one (id INT PRIMARY KEY, v VARCHAR(30))");
        PreparedStatement p = c.prepareStatement("INSERT INTO t (v) VALUES (?)", Statement.RETURN_GENERATED_KEYS);
        p.setString(1, "first");
        check(p.executeUpdate() == 1, "insert");
        ResultSet keys = p.getGeneratedKeys();
        check(keys.next() && keys.getLong(1) == 1, "generated key");
        c.setAutoCommit(false);
        PreparedStatement b = c.prepareStatement("INSERT INTO one VALUES (?, ?)");
        for (int i = 0; i < 100; i++) {
            b.setInt(1, i);
            b.setString(2, "v" + i);
            b.addBatch();
        }
        b.executeBatch();
        c.commit();
        PreparedStatement q = c.prepareStatement("SELECT v FROM one WHERE id >= ? ORDER BY id");
        q.setInt(1, 0);
        ResultSet r = q.executeQuery();
        int n = 0;
        while (r.next()) check(r.getString(1).equals("v" + n++), "row " + n);
        check(n == 100, "rows " + n);
        r.close();
        PreparedStatement one = c.prepareStatement("SELECT v FROM t WHERE id = ?");
        for (int i = 0; i < 8; i++) {
            one.setLong(1, 1);
            ResultSet x = one.executeQuery();
            check(x.next() && x.getString(1).equals("first"), "by key");
            x.close();
        }
        c.rollback();
        c.setAutoCommit(true);
        c.setTransactionIsolation(Connection.TRANSACTION_READ_COMMITTED);
        DatabaseMetaData m = c.getMetaData();
        ResultSet tables = m.getTables("java", null, "%", null);
        int count = 0;
        while (tables.next()) count++;
        check(count == 2, "tables " + count);
        ResultSet columns = m.getColumns("java", null, "t", "%");
        check(columns.next() && columns.getString("COLUMN_NAME").equals("id"), "columns");
        try {
            s.execute("INSERT INTO one VALUES (1, 'dup')");
            check(false, "a duplicate went through");
        } catch (SQLIntegrityConstraintViolationException e) {
            check(e.getErrorCode() == 1062, "code");
        }
        check(c.isValid(5), "ping");
    }
}
