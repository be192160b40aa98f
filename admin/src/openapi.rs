//! The description of the API for programs, put together from what each resource says of itself.

use crate::api::{MEMBER_CHANGES, RESOURCES};
use serde_json::{Map, Value, json};

/// Names and types of the fields of an object: string, integer, boolean, any, or a schema's name; after
/// it `?` if the value may be null, `[]` for a list.
pub(crate) type Fields = &'static [(&'static str, &'static str)];

/// A path that is read by GET.
pub(crate) struct Read {
    pub(crate) path: &'static str,
    /// The type of the answer, written as those of [`Fields`].
    pub(crate) answer: &'static str,
    pub(crate) summary: &'static str,
}

/// An object that answers are made of.
pub(crate) struct Schema {
    pub(crate) name: &'static str,
    pub(crate) fields: Fields,
}

/// One of several bodies: an object whose one field has the variant's name.
pub(crate) struct Variant {
    pub(crate) name: &'static str,
    pub(crate) fields: Fields,
}

/// What a resource says of itself.
pub(crate) struct Resource {
    pub(crate) reads: &'static [Read],
    pub(crate) schemas: &'static [Schema],
    /// Bodies of POST /v1/orders.
    pub(crate) orders: &'static [Variant],
}

fn schema_of(kind: &str) -> Value {
    if let Some(inner) = kind.strip_suffix("[]") {
        return json!({ "type": "array", "items": schema_of(inner) });
    }
    if let Some(inner) = kind.strip_suffix('?') {
        return json!({ "anyOf": [schema_of(inner), { "type": "null" }] });
    }
    match kind {
        "any" => json!({}),
        "string" | "integer" | "boolean" => json!({ "type": kind }),
        name => json!({ "$ref": format!("#/components/schemas/{name}") }),
    }
}

fn object(fields: Fields) -> Value {
    let properties: Map<String, Value> = fields
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

fn variant(v: &Variant) -> Value {
    json!({ "type": "object", "properties": { (v.name): object(v.fields) }, "required": [v.name] })
}

fn answers(kind: &str) -> Value {
    let ok = json!({ "application/json": { "schema": schema_of(kind) } });
    json!({
        "200": { "description": "done", "content": ok },
        "401": { "description": "the token is missing or wrong" },
        "404": { "description": "there is no such object" },
        "409": { "description": "the change is refused; the text says why" },
        "503": { "description": "the metadata service cannot be reached; nothing happened" },
        "504": { "description": "no answer came: check whether it happened before you repeat it" },
    })
}

fn read(r: &Read) -> Value {
    let in_path = r.path.split('/').filter_map(|part| {
        let name = part.strip_prefix('{')?.strip_suffix('}')?;
        let schema = schema_of("string");
        Some(json!({ "name": name, "in": "path", "required": true, "schema": schema }))
    });
    let parameters: Vec<_> = in_path.collect();
    let responses = answers(r.answer);
    json!({ "get": { "summary": r.summary, "parameters": parameters, "responses": responses } })
}

fn write(summary: &str, body: Value, kind: &str) -> Value {
    let content = json!({ "application/json": { "schema": body } });
    let body = json!({ "required": true, "content": content });
    json!({ "post": { "summary": summary, "requestBody": body, "responses": answers(kind) } })
}

fn paths() -> Map<String, Value> {
    let reads = RESOURCES.iter().flat_map(|r| r.reads);
    let mut paths: Map<String, Value> = reads.map(|r| (r.path.to_string(), read(r))).collect();
    let orders = RESOURCES.iter().flat_map(|r| r.orders);
    let orders: Vec<_> = orders.map(variant).collect();
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
    paths
}

/// The document, OpenAPI 3.1.
pub(crate) fn document() -> Value {
    let schemas = RESOURCES.iter().flat_map(|r| r.schemas);
    let schemas: Map<String, Value> = schemas
        .map(|s| (s.name.to_string(), object(s.fields)))
        .collect();
    json!({
        "openapi": "3.1.0",
        "info": { "title": "Shardwright administration", "version": env!("CARGO_PKG_VERSION") },
        "security": [{ "token": [] }],
        "paths": paths(),
        "components": {
            "schemas": schemas,
            "securitySchemes": { "token": { "type": "http", "scheme": "bearer" } },
        },
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use admin_types::order::OrderRequest;

    /// A value of a type.
    fn example(kind: &str) -> Value {
        match kind {
            "string[]" => json!(["x"]),
            "integer" => json!(1),
            "boolean" | "boolean?" => json!(true),
            // Rights are read from their names.
            "string" | "string?" => json!("read"),
            other => panic!("no order has a field of type {other}"),
        }
    }

    #[test]
    fn every_order_is_taken_as_it_is_described() {
        let orders: Vec<&Variant> = RESOURCES.iter().flat_map(|r| r.orders).collect();
        assert!(orders.len() > 10);
        for o in orders {
            let fields = o.fields.iter().map(|(n, k)| (n.to_string(), example(k)));
            let fields: Map<String, Value> = fields.collect();
            let request = json!({ "order": { (o.name): fields } });
            let read = serde_json::from_value::<OrderRequest>(request.clone());
            assert!(read.is_ok(), "{request}: {read:?}");
            let mut more = request;
            more["order"][o.name]["surplus"] = json!(1);
            let read = serde_json::from_value::<OrderRequest>(more.clone());
            assert!(read.is_err(), "{more}");
        }
    }

    #[test]
    fn every_schema_that_is_named_is_there() {
        let document = document();
        let text = document.to_string();
        let named = text.split("#/components/schemas/").skip(1);
        for name in named.filter_map(|rest| rest.split('"').next()) {
            let schema = &document["components"]["schemas"][name];
            assert!(schema.is_object(), "{name}");
        }
    }
}
