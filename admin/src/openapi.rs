//! The description of the API for programs.

use serde_json::{Value, json};

/// Path, what it answers, whether it is a list.
const READS: [(&str, &str, &str); 13] = [
    (
        "/v1/version",
        "Version",
        "Version of the process and epoch of its catalog",
    ),
    ("/v1/cluster", "Cluster", "Nodes of the metadata service"),
    ("/v1/shards", "Shard[]", "Shards"),
    ("/v1/databases", "Database[]", "Databases"),
    ("/v1/tables", "Table[]", "Tables and where they are"),
    ("/v1/tables/{database}/{table}", "Table", "One table"),
    ("/v1/rules", "Rule[]", "Rules that wait for their table"),
    ("/v1/proxies", "Proxy[]", "Registered proxies"),
    (
        "/v1/users",
        "User[]",
        "Users of the cluster and what they may do",
    ),
    ("/v1/sequences", "Sequence[]", "Next ids of tables"),
    ("/v1/settings", "Setting[]", "Settings of the cluster"),
    ("/v1/audit", "AuditRecord[]", "Changes, the newest first"),
    ("/v1/inspect", "Report", "Health of everything"),
];

/// Schemas by name: fields with their types (`?` may be null, `[]` is a list).
const SCHEMAS: [(&str, &[(&str, &str)]); 16] = [
    ("Version", &[("version", "string"), ("epoch", "integer")]),
    (
        "Cluster",
        &[
            ("node", "integer"),
            ("leader", "integer?"),
            ("term", "integer"),
            ("applied_index", "integer?"),
            ("epoch", "integer"),
            ("members", "Member[]"),
        ],
    ),
    (
        "Member",
        &[
            ("id", "integer"),
            ("address", "string"),
            ("role", "string"),
            ("log_index", "integer?"),
        ],
    ),
    (
        "Shard",
        &[
            ("name", "string"),
            ("host", "string"),
            ("port", "integer"),
            ("disabled", "boolean"),
            ("tables", "integer"),
        ],
    ),
    (
        "Database",
        &[
            ("name", "string"),
            ("default_shard", "string"),
            ("tables", "integer"),
        ],
    ),
    (
        "Table",
        &[
            ("database", "string"),
            ("table", "string"),
            ("kind", "string"),
            ("key", "string[]"),
            ("shards", "string[]"),
            ("group", "integer?"),
            ("id", "integer"),
            ("columns", "string[]"),
            ("auto_increment", "string?"),
        ],
    ),
    (
        "Rule",
        &[
            ("database", "string"),
            ("table", "string"),
            ("clause", "string"),
        ],
    ),
    (
        "Proxy",
        &[
            ("incarnation", "integer"),
            ("name", "string"),
            ("address", "string"),
            ("version", "string"),
            ("since_ms", "integer"),
            ("epoch", "integer?"),
            ("silent_ms", "integer?"),
            ("draining", "boolean"),
            ("peer", "PeerPort?"),
            ("number", "integer"),
        ],
    ),
    ("PeerPort", &[("address", "string"), ("key", "string")]),
    ("User", &[("name", "string"), ("grants", "Grant[]")]),
    ("Grant", &[("database", "string"), ("rights", "string")]),
    (
        "Sequence",
        &[
            ("database", "string"),
            ("table", "string"),
            ("next", "integer"),
        ],
    ),
    (
        "Setting",
        &[
            ("name", "string"),
            ("value", "string"),
            ("default", "string"),
            ("range", "string"),
            ("help", "string"),
        ],
    ),
    (
        "AuditRecord",
        &[
            ("number", "integer"),
            ("at_ms", "integer"),
            ("who", "string"),
            ("what", "string"),
            ("epoch", "integer"),
        ],
    ),
    ("Report", &[("findings", "Finding[]")]),
    (
        "Finding",
        &[
            ("severity", "string"),
            ("subject", "string"),
            ("text", "string"),
            ("advice", "string"),
        ],
    ),
];

/// Orders of POST /v1/orders by name, with their fields.
const ORDERS: [(&str, &[(&str, &str)]); 14] = [
    (
        "put_shard",
        &[
            ("name", "string"),
            ("host", "string"),
            ("port", "integer"),
            ("force", "boolean?"),
        ],
    ),
    (
        "disable_shard",
        &[("name", "string"), ("disabled", "boolean")],
    ),
    (
        "put_rule",
        &[
            ("database", "string"),
            ("table", "string"),
            ("clause", "string"),
        ],
    ),
    ("drop_rule", &[("database", "string"), ("table", "string")]),
    (
        "raise_sequence",
        &[
            ("database", "string"),
            ("table", "string"),
            ("next", "integer"),
        ],
    ),
    ("set", &[("name", "string"), ("value", "string?")]),
    (
        "drain",
        &[("incarnation", "integer"), ("draining", "boolean")],
    ),
    ("fence", &[("incarnation", "integer")]),
    (
        "import_table",
        &[
            ("database", "string"),
            ("table", "string"),
            ("clause", "string"),
        ],
    ),
    (
        "create_user",
        &[("name", "string"), ("password", "string[]")],
    ),
    (
        "set_password",
        &[("name", "string"), ("password", "string[]")],
    ),
    ("drop_user", &[("name", "string")]),
    (
        "grant",
        &[
            ("name", "string"),
            ("database", "string"),
            ("rights", "string"),
        ],
    ),
    (
        "revoke",
        &[
            ("name", "string"),
            ("database", "string"),
            ("rights", "string"),
        ],
    ),
];

/// Changes of POST /v1/members by name, with their fields.
const MEMBER_CHANGES: [(&str, &[(&str, &str)]); 3] = [
    ("add", &[("id", "integer"), ("address", "string")]),
    ("promote", &[("id", "integer")]),
    ("remove", &[("id", "integer")]),
];

fn schema_of(kind: &str) -> Value {
    if let Some(inner) = kind.strip_suffix("[]") {
        return json!({ "type": "array", "items": schema_of(inner) });
    }
    if let Some(inner) = kind.strip_suffix('?') {
        return json!({ "anyOf": [schema_of(inner), { "type": "null" }] });
    }
    match kind {
        "string" | "integer" | "boolean" => json!({ "type": kind }),
        name => json!({ "$ref": format!("#/components/schemas/{name}") }),
    }
}

fn object(fields: &[(&str, &str)]) -> Value {
    let properties: serde_json::Map<String, Value> = fields
        .iter()
        .map(|(n, k)| ((*n).to_string(), schema_of(k)))
        .collect();
    let required: Vec<_> = fields
        .iter()
        .filter(|(_, k)| !k.ends_with('?'))
        .map(|(n, _)| n)
        .collect();
    json!({ "type": "object", "properties": properties, "required": required })
}

fn answers(kind: &str) -> Value {
    let ok = json!({ "application/json": { "schema": schema_of(kind) } });
    json!({
        "200": { "description": "done", "content": ok },
        "401": { "description": "the token is missing or wrong" },
        "404": { "description": "there is no such object" },
        "409": { "description": "the change is refused; the text says why" },
        "503": { "description": "the metadata service cannot be reached; nothing happened" },
        "504": { "description": "no answer came: look before you repeat it" },
    })
}

/// A variant of a tagged choice: an object whose one field has the variant's name.
fn variant((name, fields): &(&str, &[(&str, &str)])) -> Value {
    json!({ "type": "object", "properties": { (*name): object(fields) }, "required": [name] })
}

fn read(path: &str, kind: &str, summary: &str) -> Value {
    let in_path = |name: &&&str| path.contains(&format!("{{{name}}}"));
    let parameter = |name: &&str| {
        let schema = schema_of("string");
        json!({ "name": name, "in": "path", "required": true, "schema": schema })
    };
    let names = ["database", "table"];
    let parameters: Vec<_> = names.iter().filter(in_path).map(parameter).collect();
    json!({ "get": { "summary": summary, "parameters": parameters, "responses": answers(kind) } })
}

fn write(summary: &str, body: Value, kind: &str) -> Value {
    let content = json!({ "application/json": { "schema": body } });
    let body = json!({ "required": true, "content": content });
    json!({ "post": { "summary": summary, "requestBody": body, "responses": answers(kind) } })
}

fn paths() -> Value {
    let mut paths = serde_json::Map::new();
    for (path, kind, summary) in READS {
        paths.insert(path.to_string(), read(path, kind, summary));
    }
    let orders: Vec<_> = ORDERS.iter().map(variant).collect();
    let request = json!({
        "type": "object",
        "required": ["order"],
        "properties": {
            "order": { "oneOf": orders },
            "dry_run": { "type": "boolean", "default": false },
            "expected_epoch": schema_of("integer?"),
        },
    });
    let order = write("A change of the cluster", request, "OrderReply");
    paths.insert("/v1/orders".to_string(), order);
    let members: Vec<_> = MEMBER_CHANGES.iter().map(variant).collect();
    let summary = "A node of the metadata service joins or leaves";
    let change = write(summary, json!({ "oneOf": members }), "Cluster");
    paths.insert("/v1/members".to_string(), change);
    paths.into()
}

fn schemas() -> Value {
    let named = SCHEMAS.iter().map(|(n, f)| ((*n).to_string(), object(f)));
    let mut schemas: serde_json::Map<String, Value> = named.collect();
    let properties = json!({
        "dry_run": schema_of("boolean"),
        "answer": {},
        "notes": schema_of("string[]"),
    });
    let required = ["dry_run", "answer", "notes"];
    let reply = json!({ "type": "object", "required": required, "properties": properties });
    schemas.insert("OrderReply".to_string(), reply);
    schemas.into()
}

/// The document, OpenAPI 3.1.
pub fn document() -> Value {
    json!({
        "openapi": "3.1.0",
        "info": { "title": "Shardwright administration", "version": env!("CARGO_PKG_VERSION") },
        "security": [{ "token": [] }],
        "paths": paths(),
        "components": {
            "schemas": schemas(),
            "securitySchemes": { "token": { "type": "http", "scheme": "bearer" } },
        },
    })
}
