// The scenario with go-sql-driver.
package main

import (
	"database/sql"
	"errors"
	"fmt"
	"os"
	"sync"

	"github.com/go-sql-driver/mysql"
)

func must(err error) {
	if err != nil {
		panic(err)
	}
}

func main() {
	dsn := fmt.Sprintf("%s:%s@tcp(127.0.0.1:%s)/", os.Getenv("DBUSER"), os.Getenv("PASSWORD"), os.Getenv("PORT"))
	root, err := sql.Open("mysql", dsn)
	must(err)
	_, err = root.Exec("DROP DATABASE IF EXISTS golang")
	must(err)
	_, err = root.Exec("CREATE DATABASE golang")
	must(err)
	db, err := sql.Open("mysql", dsn+"golang?parseTime=true")
	must(err)
	_, err = db.Exec("CREATE TABLE t (id INT PRIMARY KEY, v VARCHAR(20), at DATETIME) COMMENT 'shard by hash(id)'")
	must(err)
	var wg sync.WaitGroup
	for w := 0; w < 8; w++ {
		wg.Add(1)
		go func(w int) {
			defer wg.Done()
			for i := w * 100; i < w*100+50; i++ {
				_, err := db.Exec("INSERT INTO t VALUES (?, ?, ?)", i, fmt.Sprint("v", i), "2026-01-02 03:04:05")
				must(err)
				var v string
				must(db.QueryRow("SELECT v FROM t WHERE id = ?", i).Scan(&v))
				if v != fmt.Sprint("v", i) {
					panic(v)
				}
			}
		}(w)
	}
	wg.Wait()
	tx, err := db.Begin()
	must(err)
	_, err = tx.Exec("UPDATE t SET v = 'changed' WHERE id IN (1, 2, 3, 4)")
	must(err)
	must(tx.Commit())
	rows, err := db.Query("SELECT id, v FROM t WHERE v = 'changed'")
	must(err)
	n := 0
	for rows.Next() {
		n++
	}
	if n != 4 {
		panic(n)
	}
	_, err = db.Exec("INSERT INTO t (id) VALUES (1)")
	var e *mysql.MySQLError
	if !errors.As(err, &e) || e.Number != 1062 {
		panic(err)
	}
	_, err = root.Exec("DROP DATABASE golang")
	must(err)
	fmt.Println("all fine")
}
