use std::ffi::OsString;
use std::time::Duration;

use super::*;

fn load(
    toml: Option<&str>,
    environment: &[(&str, &str)],
    set: &[&str],
) -> Result<Config, ConfigError> {
    let file = toml.map(|text| {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), text).unwrap();
        file
    });
    let args = ConfigArgs {
        config: file.as_ref().map(|file| file.path().to_owned()),
        set: set.iter().map(|&flag| flag.to_owned()).collect(),
    };
    args.load_with(
        environment
            .iter()
            .map(|(name, value)| (OsString::from(name), OsString::from(value))),
    )
}

fn refusal(toml: Option<&str>, environment: &[(&str, &str)], set: &[&str]) -> String {
    load(toml, environment, set).unwrap_err().to_string()
}

const EXAMPLE: &str = include_str!("../../../../mystic.example.toml");

#[test]
fn the_example_says_what_the_defaults_are() {
    assert_eq!(Config::from_toml(EXAMPLE).unwrap(), Config::default());
}

/// The keys that a section allows, as the refusal of an unknown one lists them.
fn keys_of(section: &str) -> Vec<String> {
    match load(None, &[], &[&format!("{section}.surely_unknown=1")]) {
        Err(ConfigError::UnknownKey { allowed, .. }) => {
            allowed.split(", ").map(str::to_owned).collect()
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn the_example_documents_every_key_and_no_other() {
    let toml = EXAMPLE
        .lines()
        .map(|line| line.strip_prefix("#: ").unwrap_or(line))
        .collect::<Vec<_>>()
        .join("\n");
    Config::from_toml(&toml).expect("the example with all optional keys set is valid");
    let documented: toml::Table = toml::from_str(&toml).unwrap();
    for section in Config::SECTIONS {
        let written: Vec<&String> = documented[section].as_table().unwrap().keys().collect();
        let mut allowed = keys_of(section);
        allowed.sort();
        assert_eq!(written, allowed.iter().collect::<Vec<_>>(), "[{section}]");
    }
}

#[test]
fn the_images_and_compose_files_name_existing_keys_only() {
    Config::from_toml(include_str!("../../../../docker/mystic.toml")).unwrap();
    let files = [
        include_str!("../../../../docker-compose.yml"),
        include_str!("../../../../docker-compose.worker.yml"),
    ];
    let mut checked = 0;
    for line in files.iter().flat_map(|file| file.lines()) {
        let Some((name, _)) = line.trim().split_once(": ") else {
            continue;
        };
        let Some(name) = name.strip_prefix("MYSTIC_") else {
            continue;
        };
        let (section, key) = name.split_once("__").expect(name);
        let allowed = keys_of(&section.to_lowercase());
        assert!(
            allowed.contains(&key.to_lowercase()),
            "{name} is none of {allowed:?}"
        );
        checked += 1;
    }
    assert!(checked >= 8, "only {checked} keys found");
}

#[test]
fn the_list_of_sections_is_whole() {
    let refused = Config::from_toml("surely_unknown = 1").unwrap_err();
    let ConfigError::UnknownKey { allowed, .. } = refused else {
        panic!("{refused:?}")
    };
    assert_eq!(allowed, Config::SECTIONS.join(", "));
}

#[test]
fn later_sources_win() {
    let toml = "[api]\nmax_cost = 1\nmax_prompt_bytes = 11\nlisten = \"127.0.0.1:1\"";
    let environment = [
        ("MYSTIC_API__MAX_COST", "2"),
        ("MYSTIC_API__MAX_PROMPT_BYTES", "12"),
    ];
    let config = load(Some(toml), &environment, &["api.max_cost=3"]).unwrap();
    assert_eq!(config.api.listen, "127.0.0.1:1".parse().unwrap());
    assert_eq!(config.api.max_prompt_bytes, 12);
    assert_eq!(config.api.max_cost, 3);
}

#[test]
fn aliases_are_read_and_yield_to_the_exact_name() {
    let aliases = [
        ("MYSTIC_REDIS__URL", "redis://exact"),
        ("DATABASE_URL", "postgres:///db?host=/run/pg"),
        ("REDIS_URL", "redis://alias"),
    ];
    let config = load(None, &aliases, &[]).unwrap();
    assert_eq!(config.database.url.expose(), "postgres:///db?host=/run/pg");
    assert_eq!(config.redis.url.expose(), "redis://exact");
}

#[test]
fn empty_variables_change_nothing() {
    let config = load(
        None,
        &[("MYSTIC_WORKER__HOST", ""), ("DATABASE_URL", "")],
        &[],
    )
    .unwrap();
    assert_eq!(config, Config::default());
}

#[test]
fn text_becomes_what_its_key_wants() {
    let environment = [
        ("MYSTIC_WORKER__HEARTBEAT_S", "0.25"),
        ("MYSTIC_SCHEDULER__TICK_MS", "50"),
        ("MYSTIC_TAGGING__ENABLED", "false"),
        ("MYSTIC_REDIS__NAMESPACE", "123"),
        ("MYSTIC_API__ALLOWED_HOSTS", "a.example, b.example"),
        ("MYSTIC_LOG__FORMAT", "json"),
        ("MYSTIC_STORE__OUTPUTS", "file:///data/out%20puts"),
        ("MYSTIC_GPU__CPU_BUDGET_MIB", "4096"),
        (
            "MYSTIC_TAGGING__EXAMPLES",
            "[{prompt = \"a, b\", tags = [\"a\"]}]",
        ),
    ];
    let config = load(None, &environment, &[]).unwrap();
    assert_eq!(config.lease_times().heartbeat(), Duration::from_millis(250));
    assert_eq!(config.scheduler.tick, Duration::from_millis(50));
    assert!(!config.tagging.enabled);
    assert_eq!(config.redis.namespace, "123");
    assert_eq!(config.api.allowed_hosts, ["a.example", "b.example"]);
    assert_eq!(config.log.format, LogFormat::Json);
    assert_eq!(config.store.outputs, std::path::Path::new("/data/out puts"));
    assert_eq!(config.gpu.cpu_budget, Some(mystic_domain::Mib(4096)));
    assert_eq!(config.tagging.examples[0].prompt, "a, b");
}

#[test]
fn unknown_keys_are_refused_with_key_source_and_what_is_allowed() {
    let file = refusal(Some("[redis]\nnamspace = \"x\""), &[], &[]);
    assert!(
        file.starts_with("unknown key `redis.namspace` in /"),
        "{file}"
    );
    assert!(file.ends_with("; allowed: url, namespace"), "{file}");
    assert_eq!(
        refusal(None, &[("MYSTIC_REDIS__NAMSPACE", "x")], &[]),
        "unknown key `redis.namspace` in MYSTIC_REDIS__NAMSPACE; allowed: url, namespace"
    );
    assert_eq!(
        refusal(None, &[], &["redis.namspace=x"]),
        "unknown key `redis.namspace` in --set redis.namspace; allowed: url, namespace"
    );
    let section = refusal(Some("[surprise]\nx = 1"), &[], &[]);
    assert!(
        section.starts_with("unknown key `surprise` in /"),
        "{section}"
    );
    let nested = refusal(
        Some("[[tagging.examples]]\nprompt = \"p\"\ntags = []\ntag = 1"),
        &[],
        &[],
    );
    assert!(
        nested.starts_with("unknown key `tagging.examples[0].tag` in /"),
        "{nested}"
    );
    assert!(nested.ends_with("; allowed: prompt, tags"), "{nested}");
}

#[test]
fn one_underscore_for_two_is_explained() {
    assert_eq!(
        refusal(None, &[("MYSTIC_DATABASE_URL", "postgres://h/d")], &[]),
        "MYSTIC_DATABASE_URL is no configuration key; write MYSTIC_DATABASE__URL with two underscores"
    );
}

#[test]
fn refused_values_name_key_value_source_and_what_is_allowed() {
    let cases = [
        ("worker.max_children=0", "a whole number from 1 to 64"),
        ("worker.max_children=many", "a whole number from 1 to 64"),
        (
            "worker.heartbeat_s=-1",
            "a number of seconds, more than 0 and at most a year",
        ),
        (
            "worker.heartbeat_s=1e300",
            "a number of seconds, more than 0 and at most a year",
        ),
        ("gpu.headroom_mib=-1", "a whole number from 0 to 16777216"),
        ("log.format=yaml", "human, json"),
        (
            "log.filter=a=b=c",
            "directives such as info,mystic_store=debug",
        ),
        ("store.outputs=s3://bucket", "a directory or a file:// URL"),
        (
            "redis.namespace=a:b",
            "1 to 64 letters, digits, '-', '_' or '.'",
        ),
        ("api.public_url=ftp://h", "an http:// or https:// URL"),
        ("worker.api_url=https://h", "an http:// URL"),
        ("tagging.enabled=maybe", "a boolean"),
        ("tagging.examples=[", "a list such as [\"a\", \"b\"] or a,b"),
    ];
    for (flag, allowed) in cases {
        let (key, value) = flag.split_once('=').unwrap();
        assert_eq!(
            refusal(None, &[], &[flag]),
            format!("{key} = {value:?} from --set {key} is refused; allowed: {allowed}")
        );
    }
}

#[test]
fn wrong_types_in_the_file_are_refused() {
    let number = refusal(Some("[api]\nmax_cost = \"500\""), &[], &[]);
    assert!(
        number.starts_with("api.max_cost = \"500\" from /"),
        "{number}"
    );
    let section = refusal(Some("api = 5"), &[], &[]);
    assert!(section.starts_with("api = 5 from /"), "{section}");
    assert!(section.ends_with("; allowed: a table"), "{section}");
}

#[test]
fn lease_times_out_of_order_are_refused() {
    let refused = refusal(None, &[], &["worker.heartbeat_s=15"]);
    assert!(refused.contains("worker.heartbeat_s (15s)"), "{refused}");
    let config = load(None, &[], &["scheduler.reap_after_s=30"]).unwrap();
    assert_eq!(config.lease_times().reap(), Duration::from_secs(30));
}

#[test]
fn an_api_without_a_join_key_is_refused_and_so_is_a_key_without_an_api() {
    let [url, key] = ["worker.api_url=http://main:8787", "worker.join_key=k"];
    assert_eq!(
        refusal(None, &[], &[url]),
        "worker.api_url is set and worker.join_key is not: set both, or neither"
    );
    assert_eq!(
        refusal(None, &[], &[key]),
        "worker.join_key is set and worker.api_url is not: set both, or neither"
    );
    let both = load(None, &[], &[url, key]).unwrap().worker;
    assert_eq!(both.join_key.unwrap().expose(), "k");
}

#[test]
fn a_named_file_that_is_missing_is_an_error() {
    let args = ConfigArgs {
        config: Some("/nonexistent/mystic.toml".into()),
        set: Vec::new(),
    };
    assert!(matches!(args.load_with([]), Err(ConfigError::Read { .. })));
}

#[test]
fn secrets_are_not_printed() {
    let environment = [
        (
            "DATABASE_URL",
            "postgres://u:hunter2@h/d?sslmode=require&password=hunter2",
        ),
        ("REDIS_URL", "redis://:hunter2@h:6379/1"),
        ("MYSTIC_WORKER__API_URL", "http://h"),
        ("MYSTIC_WORKER__JOIN_KEY", "mystic_join_hunter2"),
    ];
    let config = load(None, &environment, &[]).unwrap();
    assert!(config.redis.url.expose().contains("hunter2"));
    let shown = format!("{config:?} {} {}", config.database.url, config.redis.url);
    assert!(!shown.contains("hunter2"), "{shown}");
    assert!(
        shown.contains("postgres://u:***@h/d?sslmode=require"),
        "{shown}"
    );

    for refused in [
        refusal(None, &[("DATABASE_URL", "mysql://u:hunter2@h/d")], &[]),
        refusal(None, &[], &["redis.url=hunter2"]),
        refusal(None, &[], &["worker.join_key=hunter2 hunter2"]),
        refusal(None, &[], &["redis.url hunter2"]),
        refusal(Some("[database]\nurl = [\"hunter2\"]"), &[], &[]),
        refusal(Some("[database]\nurl = \"postgres://u:hunter2@h"), &[], &[]),
    ] {
        assert!(!refused.contains("hunter2"), "{refused}");
    }
}

#[test]
fn syntax_errors_name_the_line() {
    let refused = refusal(Some("[api]\nlisten 5\n"), &[], &[]);
    assert!(refused.contains(" line 2 is not TOML: "), "{refused}");
}
