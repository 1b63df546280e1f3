;; A component for the tests of the host. Each scheduled run tries to open the database `people`, which it may not,
;; and writes the run's timestamp and what the wall clock shows into the database `default`.
(component
  (import "spin:cron/cron-types@3.0.0" (instance $cron
    (type $metadata' (record (field "timestamp" u64)))
    (export "metadata" (type (eq $metadata')))
    (type $error' (variant (case "other" string)))
    (export "error" (type (eq $error')))))
  (alias export $cron "metadata" (type $metadata))
  (alias export $cron "error" (type $error))
  (import "wasi:clocks/wall-clock@0.2.0" (instance $clock
    (type $datetime' (record (field "seconds" u64) (field "nanoseconds" u32)))
    (export "datetime" (type $datetime (eq $datetime')))
    (export "now" (func (result $datetime)))))
  (import "spin:sqlite/sqlite@3.1.0" (instance $sqlite
    (export "connection" (type $connection (sub resource)))
    (type $error' (variant
      (case "no-such-database") (case "access-denied") (case "invalid-connection") (case "database-full") (case "io" string)))
    (export "error" (type $error (eq $error')))
    (type $value' (variant
      (case "integer" s64) (case "real" float64) (case "text" string) (case "blob" (list u8)) (case "null")))
    (export "value" (type $value (eq $value')))
    (type $row' (record (field "values" (list $value))))
    (export "row-result" (type $row (eq $row')))
    (type $query' (record (field "columns" (list string)) (field "rows" (list $row))))
    (export "query-result" (type $query (eq $query')))
    (export "[static]connection.open" (func (param "database" string) (result (result (own $connection) (error $error)))))
    (export "[method]connection.execute" (func
      (param "self" (borrow $connection)) (param "statement" string) (param "parameters" (list $value))
      (result (result $query (error $error)))))))
  (alias export $sqlite "connection" (type $connection))

  ;; Memory, and an allocator that starts again with each run.
  (core module $memory
    (memory (export "memory") 1)
    (global $free (export "free") (mut i32) (i32.const 4096))
    (func (export "realloc") (param i32 i32 i32 i32) (result i32)
      (local $start i32)
      (local.set $start (i32.and (i32.add (global.get $free) (i32.const 7)) (i32.const -8)))
      (global.set $free (i32.add (local.get $start) (local.get 3)))
      (local.get $start)))
  (core instance $memory (instantiate $memory))
  (alias core export $memory "memory" (core memory $m))
  (alias core export $memory "realloc" (core func $realloc))
  (core func $now (canon lower (func $clock "now") (memory $m) (realloc $realloc)))
  (core func $open (canon lower (func $sqlite "[static]connection.open") (memory $m) (realloc $realloc)))
  (core func $execute (canon lower (func $sqlite "[method]connection.execute") (memory $m) (realloc $realloc)))
  (core func $close (canon resource.drop $connection))

  (core module $runs
    (import "host" "memory" (memory 1))
    (import "host" "free" (global $free (mut i32)))
    (import "host" "now" (func $now (param i32)))
    (import "host" "open" (func $open (param i32 i32 i32)))
    (import "host" "execute" (func $execute (param i32 i32 i32 i32 i32 i32)))
    (import "host" "close" (func $close (param i32)))
    (data (i32.const 256) "people")
    (data (i32.const 272) "default")
    (data (i32.const 288) "people was opened")
    (data (i32.const 320) "default wasn't opened")
    (data (i32.const 352) "a statement failed")
    (data (i32.const 512) "CREATE TABLE IF NOT EXISTS runs (at INTEGER PRIMARY KEY, seen INTEGER)")
    (data (i32.const 640) "INSERT INTO runs (at, seen) VALUES (?, ?)")

    ;; err(other(text)) at 0
    (func $fail (param $text i32) (param $length i32) (result i32)
      (i32.store8 (i32.const 0) (i32.const 1))
      (i32.store8 (i32.const 4) (i32.const 0))
      (i32.store (i32.const 8) (local.get $text))
      (i32.store (i32.const 12) (local.get $length))
      (i32.const 0))

    (func (export "run") (param $timestamp i64) (result i32)
      (local $connection i32)
      (global.set $free (i32.const 4096))
      ;; access-denied is the error with number 1
      (call $open (i32.const 256) (i32.const 6) (i32.const 32))
      (if (i32.ne (i32.load8_u (i32.const 32)) (i32.const 1)) (then (return (call $fail (i32.const 288) (i32.const 17)))))
      (if (i32.ne (i32.load8_u (i32.const 36)) (i32.const 1)) (then (return (call $fail (i32.const 288) (i32.const 17)))))
      (call $open (i32.const 272) (i32.const 7) (i32.const 32))
      (if (i32.load8_u (i32.const 32)) (then (return (call $fail (i32.const 320) (i32.const 21)))))
      (local.set $connection (i32.load (i32.const 36)))
      ;; two integers at 128
      (i32.store8 (i32.const 128) (i32.const 0))
      (i64.store (i32.const 136) (local.get $timestamp))
      (call $now (i32.const 64))
      (i32.store8 (i32.const 144) (i32.const 0))
      (i64.store (i32.const 152) (i64.load (i32.const 64)))
      (call $execute (local.get $connection) (i32.const 512) (i32.const 70) (i32.const 128) (i32.const 0) (i32.const 32))
      (if (i32.load8_u (i32.const 32)) (then (return (call $fail (i32.const 352) (i32.const 18)))))
      (call $execute (local.get $connection) (i32.const 640) (i32.const 41) (i32.const 128) (i32.const 2) (i32.const 32))
      (call $close (local.get $connection))
      (if (i32.load8_u (i32.const 32)) (then (return (call $fail (i32.const 352) (i32.const 18)))))
      ;; ok
      (i32.store8 (i32.const 0) (i32.const 0))
      (i32.const 0)))
  (core instance $runs (instantiate $runs (with "host" (instance
    (export "memory" (memory $m))
    (export "free" (global $memory "free"))
    (export "now" (func $now))
    (export "open" (func $open))
    (export "execute" (func $execute))
    (export "close" (func $close))))))
  (func (export "handle-cron-event") async (param "metadata" $metadata) (result (result (error $error)))
    (canon lift (core func $runs "run") (memory $m) (realloc $realloc))))
