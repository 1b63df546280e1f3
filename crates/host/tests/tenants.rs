//! `kopilka tenant new` as a developer runs it: two tenants of one application, started by the lines that are printed, side by
//! side; and what is refused.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};

use serde_json::{Value, json};
use tempfile::TempDir;

const ROOT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../..");
const PROGRAM: &str = env!("CARGO_BIN_EXE_kopilka");
const PHONE: &str = "+79000000001";

/// Runs `tenant new`, from the folder where tenants are written, which lies anywhere.
fn make(folder: &Path, arguments: &[&str]) -> Output {
    let mut command = Command::new(PROGRAM);
    command.args(["tenant", "new"]).args(arguments).current_dir(folder).env_remove("CARGO");
    command.args(["--manifest", &root().join("spin.toml").display().to_string()]);
    command.output().expect("the program starts")
}

fn root() -> PathBuf {
    std::fs::canonicalize(ROOT).expect("the folder of the workspace")
}

/// It ended with this status; what it said on stdout and on stderr.
#[track_caller]
fn ended(output: &Output, status: i32) -> (String, String) {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let (said, complained) = (text(&output.stdout), text(&output.stderr));
    assert_eq!(output.status.code(), Some(status), "{said}{complained}");
    (said, complained)
}

/// The line among those that were printed by which the tenant runs here, on any free port.
fn line_to_run(said: &str) -> String {
    let line = said.lines().find(|line| line.contains(" up --manifest ")).unwrap_or_else(|| panic!("no line to run in {said}"));
    let (before, port) = line.rsplit_once(':').expect("it ends with a port");
    assert!(before.ends_with("--listen 127.0.0.1") && port.parse::<u16>().is_ok(), "{line}");
    format!("{before}:0")
}

/// A tenant that runs.
struct Running {
    process: Child,
    address: String,
    key: String,
}

impl Running {
    /// Starts it by a line for the shell, and waits until it is ready.
    fn by(line: &str, folder: &Path) -> Self {
        let mut process = Command::new("sh")
            .args(["-c", &format!("exec {line}")])
            .current_dir(folder)
            .env_remove("CARGO")
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("sh starts");
        let mut said = String::new();
        for line in BufReader::new(process.stdout.take().expect("it is piped")).lines() {
            let line = line.expect("it writes text");
            said.push_str(&line);
            said.push('\n');
            if let Some(address) = line.strip_prefix("ready http://") {
                let key = said.lines().find_map(|line| line.strip_prefix("Key: ")).expect("its key is told").to_owned();
                return Self { process, address: address.to_owned(), key };
            }
        }
        let _ = process.wait();
        panic!("{line} ended before it was ready: {said}");
    }

    fn ask(&self, method: &str, path: &str, key: &str, body: Option<Value>) -> (u16, Value) {
        let body = body.map(|body| body.to_string()).unwrap_or_default();
        let mut connection = TcpStream::connect(&self.address).expect("it listens");
        let request = format!(
            "{method} {path} HTTP/1.1\r\nHost: {}\r\nAuthorization: Bearer {key}\r\nIdempotency-Key: {method}{path}\r\n\
             Content-Type: application/json\r\nConnection: close\r\nContent-Length: {}\r\n\r\n{body}",
            self.address,
            body.len()
        );
        connection.write_all(request.as_bytes()).expect("it reads");
        let mut answer = String::new();
        connection.read_to_string(&mut answer).expect("it answers");
        let (head, body) = answer.split_once("\r\n\r\n").expect("a head and a body");
        let status = head.split(' ').nth(1).and_then(|status| status.parse().ok()).expect("a status");
        // the body may come in chunks: it is one document all the same
        let document = body.find('{').zip(body.rfind('}')).map_or("null", |(begin, end)| &body[begin..=end]);
        (status, serde_json::from_str(document).unwrap_or_else(|error| panic!("{error}: {answer}")))
    }

    #[track_caller]
    fn gets(&self, path: &str) -> Value {
        let (status, body) = self.ask("GET", path, &self.key, None);
        assert_eq!(status, 200, "{path}: {body}");
        body
    }

    /// Tells it to stop, and waits until it has written everything back.
    #[track_caller]
    fn stop(mut self) {
        let told = Command::new("kill").args(["-TERM", &self.process.id().to_string()]).status();
        assert!(told.expect("kill starts").success());
        assert!(self.process.wait().expect("it ends").success(), "it stops of its own accord");
    }
}

impl Drop for Running {
    /// Where a test fails; one that was stopped is none any more.
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

fn read(file: &Path) -> String {
    std::fs::read_to_string(file).unwrap_or_else(|error| panic!("{}: {error}", file.display()))
}

#[test]
fn two_tenants_run_side_by_side_from_the_same_code_and_neither_knows_anything_of_the_other() {
    let folder = TempDir::new().expect("a folder");
    let lines = [("acme", "dodo"), ("best-shoes", "sela")].map(|(name, preset)| {
        let output = make(folder.path(), &[name, "--preset", preset, "--into", name]);
        let (said, _) = ended(&output, 0);
        let absolute = [folder.path().display().to_string(), folder.path().canonicalize().unwrap().display().to_string()];
        assert!(!absolute.iter().any(|path| said.contains(path)), "{said}");
        line_to_run(&said)
    });
    let own = |name: &str| folder.path().join(name);
    let (acme, shoes) = (Running::by(&lines[0], folder.path()), Running::by(&lines[1], folder.path()));
    assert_ne!(acme.key, shoes.key);
    assert!(!own("acme/target").exists() && !own("acme/.kopilka/components").exists(), "what is compiled is shared");

    for (running, name) in [(&acme, "acme"), (&shoes, "best-shoes")] {
        let document: Value = serde_json::from_str(&read(&own(name).join("program.json"))).expect("a program");
        assert_eq!(running.gets("/v1/program")["document"], document, "{name}");
    }
    assert_ne!(acme.gets("/v1/program")["document"], shoes.gets("/v1/program")["document"]);

    // the same customer of both, and an order at each, told by the same till under the same keys
    let members = [&acme, &shoes].map(|running| {
        let (status, member) = running.ask("POST", "/v1/members", &running.key, Some(json!({"phone": PHONE, "channel": "web"})));
        assert_eq!(status, 201, "{member}");
        member["id"].as_str().expect("an id").to_owned()
    });
    for running in [&acme, &shoes] {
        let line = json!({"id": "1", "sku": "shoe", "quantity": 1, "price": "1000.00"});
        let order = json!({
            "id": format!("order at {}", running.address), "member": {"phone": PHONE}, "channel": "web", "currency": "RUB",
            "occurred_at": "2026-03-31T12:00:00Z", "lines": [line],
        });
        let (status, told) = running.ask("POST", "/v1/orders", &running.key, Some(order));
        assert_eq!(status, 201, "{told}");
    }

    for (here, there, of_there) in [(&acme, &shoes, &members[1]), (&shoes, &acme, &members[0])] {
        let member = format!("/v1/members/{of_there}");
        let order = format!("/v1/orders/order%20at%20{}", there.address.replace(':', "%3A"));
        assert_eq!(there.gets(&order)["member_id"], **of_there);
        for path in [member.as_str(), &order, "/v1/program", "/v1/keys", "/v1/audit"] {
            let (status, body) = here.ask("GET", path, &there.key, None);
            assert_eq!(status, 401, "{path} by the other's key: {body}");
        }
        for path in [member.as_str(), &order] {
            let (status, body) = here.ask("GET", path, &here.key, None);
            assert_eq!(status, 404, "{path} of the other: {body}");
        }
        let checked = &here.gets("/v1/audit")["checked"];
        assert_eq!((&checked["accounts"], &checked["orders"]), (&json!(1), &json!(1)), "{checked}");
    }

    // each goes on alone, and again
    shoes.stop();
    assert_eq!(acme.gets(&format!("/v1/members/{}", members[0]))["id"], members[0]);
    acme.stop();
    let again = Running::by(&lines[0], folder.path());
    assert_eq!(again.gets(&format!("/v1/members/{}", members[0]))["id"], members[0]);
    again.stop();
}

/// The routes of the API that need a key: method and path, with something in place of each parameter.
fn routes() -> Vec<(String, String)> {
    let document: Value = serde_json::from_str(include_str!("../../../components/registration/openapi.json")).expect("JSON");
    let empty = |part: &str| if part.starts_with('{') { "none".to_owned() } else { part.to_owned() };
    let paths = document["paths"].as_object().expect("paths");
    let calls = paths.iter().flat_map(|(path, item)| {
        let path = path.split('/').map(empty).collect::<Vec<_>>().join("/");
        item.as_object()
            .expect("a path has methods")
            .iter()
            .map(move |(method, call)| (method.to_uppercase(), path.clone(), call))
    });
    let needs_key = |call: &Value| call["security"].as_array().into_iter().flatten().any(|scheme| scheme["bearer"].is_array());
    calls.filter(|(.., call)| needs_key(call)).map(|(method, path, _)| (method, path)).collect()
}

#[test]
fn no_route_opens_to_a_key_or_a_token_of_another_tenant() {
    let folder = TempDir::new().expect("a folder");
    let [acme, shoes] = ["acme", "best-shoes"].map(|name| {
        let (said, _) = ended(&make(folder.path(), &[name, "--preset", "fixed", "--into", name]), 0);
        // who tries so many keys is told to wait otherwise
        Running::by(&format!("{} --variable unknown_keys_per_minute=0", line_to_run(&said)), folder.path())
    });
    let text = |(status, made): (u16, Value), field: &str| {
        assert_eq!(status, 201, "{made}");
        made[field].as_str().unwrap_or_else(|| panic!("{field} in {made}")).to_owned()
    };
    for (here, there) in [(&acme, &shoes), (&shoes, &acme)] {
        let everything = json!({"scopes": ["till", "staff", "storefront", "jobs"], "store": "shop-7"});
        let scoped = text(there.ask("POST", "/v1/keys", &there.key, Some(everything)), "key");
        let member = text(there.ask("POST", "/v1/members", &there.key, Some(json!({"phone": PHONE, "channel": "web"}))), "id");
        let tokens = format!("/v1/members/{member}/tokens");
        let token = text(there.ask("POST", &tokens, &there.key, Some(json!({"expires_in": 86_400}))), "token");
        assert_eq!(there.ask("GET", "/v1/members/me", &token, None).0, 200, "it opens where it is from");
        let before = here.gets("/v1/audit")["checked"].clone();
        let routes = routes();
        assert!(routes.len() > 50, "{} routes", routes.len());
        for (method, path) in &routes {
            for key in [&there.key, &scoped, &token] {
                let (status, body) = here.ask(method, path, key, Some(json!({})));
                assert_eq!((status, body["code"].as_str()), (401, Some("unauthorized")), "{method} {path}: {body}");
            }
        }
        assert_eq!(here.gets("/v1/audit")["checked"], before, "nothing came of it");
    }
    acme.stop();
    shoes.stop();
}

#[test]
fn the_manifest_for_spinkube_is_the_tenant_s_without_the_cron_trigger() {
    let folder = TempDir::new().expect("a folder");
    let (said, _) = ended(&make(folder.path(), &["acme", "--preset", "dodo", "--into", "acme"]), 0);
    let line = said.lines().find(|line| line.contains("spinkube.toml")).expect("a line that pushes");
    let (makes, _) = line.split_once(" && spin registry push").expect("made before it is pushed");
    let made = Command::new("sh").args(["-c", makes]).current_dir(folder.path()).status().expect("sh starts");
    assert!(made.success(), "{makes}");

    let load = |name: &str| host::Manifest::load(&folder.path().join("acme").join(name)).expect("a manifest");
    let (whole, without) = (load("spin.toml"), load("spinkube.toml"));
    assert_eq!((whole.cron.len(), without.cron.len()), (1, 0));
    assert_eq!(format!("{:?}", without.http), format!("{:?}", whole.http));
    assert_eq!(format!("{:?}", without.components), format!("{:?}", whole.components));
    assert_eq!(format!("{:?}", without.variables), format!("{:?}", whole.variables));
}

/// The script of the jobs' container in a tenant's `spinapp.yaml`.
fn script(app: &str) -> String {
    let (_, script) = app.split_once("                - |\n").expect("the container's argument is a block");
    let lines = script.lines().map_while(|line| line.strip_prefix(&" ".repeat(18)));
    lines.collect::<Vec<_>>().join("\n")
}

#[test]
fn the_hourly_script_for_kubernetes_runs_every_job_and_fails_where_one_does() {
    if Command::new("curl").arg("--version").stdout(Stdio::null()).status().is_err() {
        println!("there is no curl to run the script with");
        return;
    }
    let folder = TempDir::new().expect("a folder");
    let (said, _) = ended(&make(folder.path(), &["acme", "--preset", "dodo", "--into", "acme"]), 0);
    let running = Running::by(&line_to_run(&said), folder.path());
    let script = script(&read(&folder.path().join("acme/spinapp.yaml")));
    let run = |key: &str| {
        let mut command = Command::new("sh");
        command.args(["-euc", &script]).env("URL", format!("http://{}", running.address)).env("KEY", key);
        command.output().expect("sh starts")
    };
    // the only key that the container gets may run jobs, and nothing else
    let (status, made) = running.ask("POST", "/v1/keys", &running.key, Some(json!({"scopes": ["jobs"]})));
    assert_eq!(status, 201, "{made}");
    let (said, _) = ended(&run(made["key"].as_str().expect("a key")), 0);
    assert_eq!(said, "", "nothing but what failed is told");
    let (said, _) = ended(&run("kk_nobody"), 1);
    for job in ["migrate", "holds", "expire", "deliver", "reseal"] {
        assert!(said.contains(&format!("{job}: {{\"code\":\"unauthorized\"")), "{job} is tried in spite of the others: {said}");
    }
    running.stop();
}

/// Puts a tenant's own rules into its manifest, as its README says.
fn use_own_rules(folder: &Path) {
    let (manifest, own) = (read(&folder.join("spin.toml")), read(&folder.join("rules/rules.toml")));
    let (before, rest) = manifest.split_once("[component.rules]\n").expect("the rules are in the manifest");
    let (_, after) = rest.split_once("\n[[trigger").expect("a trigger follows the rules");
    std::fs::write(folder.join("spin.toml"), format!("{before}{own}\n[[trigger{after}")).expect("a file can be written");
}

#[test]
fn a_tenant_s_own_rules_are_built_by_its_manifest_and_are_no_other_s() {
    let folder = TempDir::new().expect("a folder");
    // midday of the day on which the rules, as they are written, double everything
    let at = "--clock virtual --now 2026-03-08T09:00:00Z";
    let [own, plain] = ["own-rules", "plain-rules"].map(|name| {
        let (said, _) = ended(&make(folder.path(), &[name, "--preset", "fixed", "--into", name]), 0);
        if name == "own-rules" {
            use_own_rules(&folder.path().join(name));
        }
        Running::by(&format!("{} {at}", line_to_run(&said)), folder.path())
    });
    let [doubled, earned] = [&own, &plain].map(|running| {
        let line = json!({"id": "1", "sku": "shoe", "quantity": 1, "price": "1000.00"});
        let cart =
            json!({"id": "1", "channel": "web", "currency": "RUB", "occurred_at": "2026-03-08T09:00:00Z", "lines": [line]});
        let (status, quote) = running.ask("POST", "/v1/quotes", &running.key, Some(json!({"order": cart})));
        assert_eq!(status, 200, "{quote}");
        quote["earn"]["points"].clone()
    });
    assert_eq!((doubled, earned), (json!("60.00"), json!("30.00")));
    own.stop();
    plain.stop();
}

#[test]
fn the_runtime_configuration_names_every_store_of_the_manifest_below_the_tenant_s_folder() {
    let folder = TempDir::new().expect("a folder");
    ended(&make(folder.path(), &["acme", "--preset", "dodo", "--into", "acme"]), 0);
    let own = folder.path().join("acme");
    let manifest = host::Manifest::load(&own.join("spin.toml")).expect("a manifest");
    let config = host::RuntimeConfig::load(&own.join("runtime-config.toml")).expect("a runtime configuration");
    for database in manifest.databases() {
        let place = config.sqlite_databases.get(database).unwrap_or_else(|| panic!("{database} has a place"));
        assert!(place.to_string().starts_with(&own.join(".spin").display().to_string()), "{place}");
    }
}

#[test]
fn what_can_t_be_a_tenant_is_refused_and_nothing_is_written() {
    let folder = TempDir::new().expect("a folder");
    let there = folder.path().join("there");
    std::fs::create_dir(&there).expect("a folder");
    for (arguments, named) in [
        (["Acme", "--preset", "dodo", "--into", "new"], "\"Acme\""),
        (["acme", "--preset", "dodos", "--into", "new"], "gw-tools, sela"),
        (["acme", "--preset", "dodo", "--into", "there"], "is there already"),
        (["acme", "--preset", "dodo", "--into", "new/../../there"], "leads out"),
    ] {
        let (said, complained) = ended(&make(folder.path(), &arguments), 1);
        assert!(complained.contains(named) && said.is_empty(), "{complained}");
    }
    let left: Vec<_> = std::fs::read_dir(folder.path()).expect("a folder").flatten().map(|entry| entry.path()).collect();
    assert_eq!(left, std::slice::from_ref(&there));
    assert_eq!(std::fs::read_dir(there).expect("a folder").count(), 0);
}

#[test]
fn whoever_starts_the_program_by_cargo_is_told_to_go_on_so() {
    let folder = TempDir::new_in(env!("CARGO_TARGET_TMPDIR")).expect("a folder");
    let into = folder.path().canonicalize().expect("it is there").join("acme");
    let into = into.strip_prefix(root()).expect("below the application").to_owned();
    let mut command = Command::new(PROGRAM);
    command.args(["tenant", "new", "acme", "--preset", "dodo", "--into"]).arg(&into).current_dir(root()).env("CARGO", "cargo");
    let (said, _) = ended(&command.output().expect("the program starts"), 0);
    assert!(
        said.contains(&format!("\ncargo run -- up --manifest {}/spin.toml --listen 127.0.0.1:3001\n", into.display())),
        "{said}"
    );
}

#[test]
fn a_tenant_of_a_tenant_is_refused() {
    let folder = TempDir::new().expect("a folder");
    ended(&make(folder.path(), &["acme", "--preset", "dodo", "--into", "acme"]), 0);
    let below = folder.path().join("acme");
    let mut command = Command::new(PROGRAM);
    let output = command.args(["tenant", "new", "other", "--preset", "dodo"]).current_dir(&below).output();
    let (_, complained) = ended(&output.expect("the program starts"), 1);
    assert!(complained.contains("is a tenant's"), "{complained}");
    assert!(!below.join("tenants").exists());
}

#[test]
fn a_program_that_can_t_be_published_stops_the_start_with_each_of_its_problems() {
    let folder = TempDir::new().expect("a folder");
    let (said, _) = ended(&make(folder.path(), &["acme", "--preset", "gw-tools", "--into", "acme"]), 0);
    let line = line_to_run(&said);
    let program = folder.path().join("acme/program.json");
    let good = read(&program);
    let mut document: Value = serde_json::from_str(&good).expect("a program");
    document["earning"][0]["rate"] = json!("-5");
    document["time_zone"] = json!("Moskow");
    for (text, named) in
        [(document.to_string(), ["/earning/0/rate: ", "/time_zone: "]), ("{".to_owned(), ["it is no JSON", "line 1"])]
    {
        std::fs::write(&program, text).expect("a file can be written");
        let mut command = Command::new("sh");
        let output = command.args(["-c", &line]).current_dir(folder.path()).env_remove("CARGO").output().expect("sh starts");
        let (said, complained) = ended(&output, 1);
        assert!(complained.contains("program.json") && named.iter().all(|name| complained.contains(name)), "{complained}");
        assert!(!said.contains("ready"), "{said}");
    }
    std::fs::write(&program, &good).expect("a file can be written");
    let running = Running::by(&line, folder.path());
    assert_eq!(running.gets("/v1/program")["document"], serde_json::from_str::<Value>(&good).expect("a program"));
    running.stop();
}
