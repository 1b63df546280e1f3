//! `GET /v1/rebuild`: what a rebuild of the projections from the facts would change. Nothing is written.

use edge::{Problem, Reply, books, from_store};
use serde_json::{Map, Value, json};
use store::Difference;

pub async fn check() -> Result<Reply, Problem> {
    let found = store::differences(&books()).await.map_err(|error| from_store(&error))?;
    let counts = store::counts(&books()).await.map_err(|error| from_store(&error))?;
    let checked: Map<String, Value> = counts.into_iter().map(|(name, count)| (name.to_owned(), count.into())).collect();
    let differences: Vec<Value> = found.named.iter().map(difference).collect();
    Ok(Reply::ok(&json!({"ok": found.total == 0, "checked": checked, "total": found.total, "differences": differences})))
}

fn difference(found: &Difference) -> Value {
    let Difference { table, id, line, column, stored, rebuilt } = found;
    json!({"table": table, "id": id, "line": line, "column": column, "stored": stored, "rebuilt": rebuilt})
}
