//! Groups and their attributes.

use bytes::Bytes;
use serde_json::{Map, Value, json};

use super::ZarrError;
use crate::layout;
use crate::store::BlockingStore;

/// Writes a group's metadata document.
///
/// # Errors
/// Where the store can't be written.
pub fn write_group(store: &BlockingStore, key: &str, attributes: Map<String, Value>) -> Result<(), ZarrError> {
    let document = json!({"zarr_format": 3, "node_type": "group", "attributes": attributes});
    write_document(store, key, &document)
}

/// Reads the attributes of a group or an array.
///
/// # Errors
/// Where it isn't there, or isn't Zarr v3.
pub fn read_attributes(store: &BlockingStore, key: &str) -> Result<Map<String, Value>, ZarrError> {
    match read_document(store, key)?.get("attributes") {
        Some(Value::Object(attributes)) => Ok(attributes.clone()),
        _ => Ok(Map::new()),
    }
}

/// Writes the `zarr.json` of an array or group.
pub(super) fn write_document(store: &BlockingStore, key: &str, document: &Value) -> Result<(), ZarrError> {
    let text = format!("{document:#}\n");
    store.put(&document_key(key), Bytes::from(text))?;
    Ok(())
}

/// Reads the `zarr.json` of an array or group.
pub(super) fn read_document(store: &BlockingStore, key: &str) -> Result<Value, ZarrError> {
    let document_key = document_key(key);
    let Some(text) = store.get(&document_key)? else {
        return Err(ZarrError::Missing(format!("{}/{key}", store.store().location())));
    };
    serde_json::from_slice(&text)
        .map_err(|error| ZarrError::Damaged { place: document_key, reason: format!("not JSON: {error}") })
}

fn document_key(key: &str) -> String {
    layout::zarr_document(key)
}
