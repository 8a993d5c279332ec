use bytes::Bytes;

use super::*;

fn open(folder: &FsPath) -> Store {
    Store::open(&Location::Local(folder.to_owned())).unwrap()
}

#[tokio::test]
async fn keys_are_file_names_as_they_stand() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path());
    for key in ["a b/c", "é[1]/x#2 ~%20.csv", "deep/er/and/deeper"] {
        store.put(key, Bytes::from(key)).await.unwrap();
        assert_eq!(std::fs::read(folder.path().join(key)).unwrap(), key.as_bytes());
        assert_eq!(store.get(key).await.unwrap().unwrap(), key);
    }
    let keys: Vec<_> = store.list("").await.unwrap().into_iter().map(|entry| entry.key).collect();
    assert_eq!(keys, ["a b/c", "deep/er/and/deeper", "é[1]/x#2 ~%20.csv"]);
}

#[tokio::test]
async fn an_object_is_replaced_whole_and_nothing_stays_in_staging() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path());
    store.put("k", Bytes::from("old")).await.unwrap();
    store.put("k", Bytes::from("new")).await.unwrap();
    store.sync(vec!["k".to_owned(), "gone".to_owned()]).await.unwrap();
    assert_eq!(store.get("k").await.unwrap().unwrap(), "new");
    let staging = folder.path().join(crate::layout::STAGING);
    assert_eq!(std::fs::read_dir(staging).unwrap().count(), 0);
}

#[tokio::test]
async fn a_prefix_is_deleted_with_all_below_it_and_nothing_beside_it() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path());
    for key in ["a/1", "a/b/2", "ab/3"] {
        store.put(key, Bytes::from("x")).await.unwrap();
    }
    store.delete_prefix("a").await.unwrap();
    store.delete_prefix("a").await.unwrap();
    store.delete("nothing").await.unwrap();
    let keys: Vec<_> = store.list("").await.unwrap().into_iter().map(|entry| entry.key).collect();
    assert_eq!(keys, ["ab/3"]);
    assert_eq!(store.get("a/1").await.unwrap(), None);
}

#[test]
fn a_folder_that_cannot_be_made_is_a_clear_error() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("file");
    std::fs::write(&file, "x").unwrap();
    let error = Store::open(&Location::Local(file.join("below"))).unwrap_err();
    assert!(!error.is_transient());
    assert!(error.to_string().starts_with("cannot create "), "{error}");
}
