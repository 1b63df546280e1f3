//! `GET /v1/audit`: balances, lots and entries agree, and the rules can still read the program in force.

use edge::{Problem, Reply, books, from_store, program_by_head, program_head};
use serde_json::{Map, Value, json};

pub async fn audit() -> Result<Reply, Problem> {
    let found = store::audit(&books()).await.map_err(|error| from_store(&error))?;
    let counts = store::counts(&books()).await.map_err(|error| from_store(&error))?;
    let mut findings: Vec<Value> =
        found.iter().map(|finding| json!({"finding": finding.finding, "id": format!("{:x}", finding.id)})).collect();
    let mut checked: Map<String, Value> = counts.into_iter().map(|(name, count)| (name.to_owned(), count.into())).collect();
    if let Some(head) = program_head().await? {
        checked.insert("program_version".to_owned(), head.version.into());
        match program_by_head(Some(&head)).await {
            Ok(_) => {}
            // a store that does not answer says nothing about the books
            Err(problem) if problem.retry_after.is_some() => return Err(problem),
            // a tenant may have swapped the rules component
            Err(problem) => findings.push(json!({"finding": problem.detail, "id": head.version.to_string()})),
        }
    }
    Ok(Reply::ok(&json!({"ok": findings.is_empty(), "checked": checked, "findings": findings})))
}
