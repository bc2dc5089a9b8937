//! What one writer changes and alone sees, until it is published or given up.

use crate::told;
use crate::world::{BIG, World, key, scope, world};
use lake::{
    BucketName, CompleteChecks, CompletePart, Conditions, CopyOptions, EtagCondition, LakeError, ListQuery,
    Meta, Overlay, UploadsQuery,
};
use std::collections::BTreeMap;

/// The world as who writes through an overlay sees it.
async fn apart(w: &World, name: &str) -> World {
    let overlay = Overlay::new(name);
    let mut tx = w.lake.store().begin().await.unwrap();
    w.lake.begin_overlay(&mut tx, &overlay).await.unwrap();
    tx.commit().await.unwrap();
    let folder = tempfile::TempDir::new().unwrap();
    World { lake: w.lake.seen_by(overlay), bucket: w.bucket.clone(), folder }
}

async fn publish(w: &World, name: &str) -> Result<(u64, u64), LakeError> {
    let mut tx = w.lake.store().begin().await.unwrap();
    let done = w.lake.publish_overlay(&mut tx, &Overlay::new(name)).await?;
    tx.commit().await.unwrap();
    Ok((done.written, done.removed))
}

async fn give_up(w: &World, name: &str) {
    let mut tx = w.lake.store().begin().await.unwrap();
    assert!(w.lake.drop_overlay(&mut tx, &Overlay::new(name)).await.unwrap());
    tx.commit().await.unwrap();
}

async fn names(w: &World) -> Vec<String> {
    let mut tx = w.lake.store().read().await.unwrap();
    let query = ListQuery { limit: 1000, ..ListQuery::default() };
    let page = w.lake.list(&mut tx, &w.bucket, &query).await.unwrap();
    page.objects.iter().map(|object| object.key.as_str().to_owned()).collect()
}

async fn text(w: &World, name: &str) -> Vec<u8> {
    w.get(name).await.unwrap().read_range(0..u64::MAX).await.unwrap().to_vec()
}

async fn put_if(w: &World, name: &str, conditions: Conditions) -> Result<(), LakeError> {
    let staged = w.lake.stage_bytes(b"on a condition".to_vec()).await.unwrap();
    let mut tx = w.lake.store().begin().await.unwrap();
    w.lake.put(&mut tx, &w.bucket, &key(name), staged, Meta::default(), &conditions).await?;
    tx.commit().await.unwrap();
    Ok(())
}

#[tokio::test]
async fn it_is_its_writers_alone_until_all_of_it_is_everybodys() {
    let w = world().await;
    w.put("replaced", b"old".to_vec()).await;
    w.put("deleted", vec![1; BIG]).await;
    w.put("left", b"left".to_vec()).await;
    let own = apart(&w, "run").await;
    own.put("replaced", vec![2; BIG]).await;
    own.put("new", b"new".to_vec()).await;
    own.delete("deleted").await;
    assert_eq!(names(&own).await, ["left", "new", "replaced"]);
    assert_eq!(text(&own, "left").await, b"left");
    assert!(matches!(own.get("deleted").await, Err(LakeError::NoSuchKey { .. })));
    assert_eq!(names(&w).await, ["deleted", "left", "replaced"]);
    assert_eq!(text(&w, "replaced").await, b"old");
    assert_eq!(publish(&w, "run").await.unwrap(), (2, 1));
    assert_eq!(names(&w).await, ["left", "new", "replaced"]);
    assert_eq!(text(&w, "replaced").await, vec![2; BIG]);
    w.lake.collect_once().await.unwrap();
    assert_eq!(w.files(), 1);
    assert!(matches!(own.get("new").await, Err(LakeError::OverlayEnded { .. })));
    assert!(matches!(publish(&w, "run").await, Err(LakeError::OverlayEnded { .. })));
}

#[tokio::test]
async fn given_up_it_leaves_nothing_and_comes_back_for_nobody() {
    let w = world().await;
    w.put("a", b"a".to_vec()).await;
    let own = apart(&w, "run").await;
    for name in ["a", "b", "c"] {
        own.put(name, vec![3; BIG]).await;
    }
    own.delete("b").await;
    give_up(&w, "run").await;
    let refused = put_if(&own, "d", Conditions::NONE).await;
    assert!(matches!(refused, Err(LakeError::OverlayEnded { .. })), "{refused:?}");
    assert_eq!(names(&w).await, ["a"]);
    assert_eq!(text(&w, "a").await, b"a");
    w.lake.collect_once().await.unwrap();
    assert_eq!(w.files(), 0);
    let mut tx = w.lake.store().begin().await.unwrap();
    assert!(!w.lake.drop_overlay(&mut tx, &Overlay::new("run")).await.unwrap());
    assert!(w.lake.overlays(&mut tx).await.unwrap().is_empty());
}

#[tokio::test]
async fn of_two_on_the_same_keys_the_last_published_is_there_as_a_whole() {
    let w = world().await;
    let (one, two) = (apart(&w, "one").await, apart(&w, "two").await);
    for name in ["a", "b", "c"] {
        one.put(name, b"one".to_vec()).await;
        two.put(name, b"two".to_vec()).await;
    }
    one.put("only", b"one".to_vec()).await;
    publish(&w, "two").await.unwrap();
    assert_eq!(text(&one, "a").await, b"one");
    publish(&w, "one").await.unwrap();
    for name in ["a", "b", "c", "only"] {
        assert_eq!(text(&w, name).await, b"one");
    }
}

#[tokio::test]
async fn what_a_condition_has_found_must_still_be_there() {
    let w = world().await;
    let create = || Conditions { if_none_match: Some(EtagCondition::Any), ..Conditions::NONE };
    let (one, two) = (apart(&w, "one").await, apart(&w, "two").await);
    put_if(&one, "log/1", create()).await.unwrap();
    put_if(&two, "log/1", create()).await.unwrap();
    let again = put_if(&one, "log/1", create()).await;
    assert!(matches!(again, Err(LakeError::PreconditionFailed { .. })));
    publish(&w, "one").await.unwrap();
    match publish(&w, "two").await {
        Err(LakeError::Overtaken { what }) => assert!(what.contains("s3://bucket/log/1"), "{what}"),
        other => panic!("{other:?}"),
    }
    give_up(&w, "two").await;
    let three = apart(&w, "three").await;
    let etag = w.get("log/1").await.unwrap().info().etag.clone();
    let same = Conditions { if_match: Some(EtagCondition::OneOf(vec![etag])), ..Conditions::NONE };
    put_if(&three, "log/1", same).await.unwrap();
    publish(&w, "three").await.unwrap();
}

#[tokio::test]
async fn tags_are_changed_apart_and_nothing_else() {
    let w = world().await;
    let before = w.put("a", vec![1; BIG]).await;
    let tags = || BTreeMap::from([("k".to_owned(), "v".to_owned())]);
    for (name, overtaken) in [("one", false), ("two", true)] {
        let own = apart(&w, name).await;
        let mut tx = w.lake.store().begin().await.unwrap();
        own.lake.set_tags(&mut tx, &w.bucket, &key("a"), tags()).await.unwrap();
        tx.commit().await.unwrap();
        assert_eq!(own.get("a").await.unwrap().info().meta.tags, tags());
        if overtaken {
            w.put("a", b"other".to_vec()).await;
            assert!(matches!(publish(&w, name).await, Err(LakeError::Overtaken { .. })));
            assert_eq!(text(&w, "a").await, b"other");
        } else {
            assert!(w.get("a").await.unwrap().info().meta.tags.is_empty());
            publish(&w, name).await.unwrap();
            let after = w.get("a").await.unwrap().info().clone();
            assert_eq!((after.last_modified_ms, &after.etag), (before.last_modified_ms, &before.etag));
            assert_eq!(after.meta.tags, tags());
        }
    }
}

#[tokio::test]
async fn multipart_uploads_are_its_own_and_end_with_it() {
    let w = world().await;
    let own = apart(&w, "run").await;
    let mut tx = w.lake.store().begin().await.unwrap();
    let open = w.lake.create_upload(&mut tx, &w.bucket, &key("u"), Meta::default(), None).await.unwrap();
    let mut ids = Vec::new();
    for name in ["done", "left"] {
        let upload =
            own.lake.create_upload(&mut tx, &w.bucket, &key(name), Meta::default(), None).await.unwrap();
        ids.push(upload.id);
    }
    tx.commit().await.unwrap();
    let mut parts = Vec::new();
    for (name, id) in ["done", "left"].into_iter().zip(&ids) {
        let staged = w.lake.stage_bytes(vec![4; BIG]).await.unwrap();
        let mut tx = w.lake.store().begin().await.unwrap();
        let unseen = w.lake.list_parts(&mut tx, &w.bucket, &key(name), id, 0, 10).await;
        assert!(matches!(unseen, Err(LakeError::NoSuchUpload { .. })));
        parts.push(own.lake.put_part(&mut tx, &w.bucket, &key(name), id, 1, staged).await.unwrap());
        tx.commit().await.unwrap();
    }
    let mut tx = w.lake.store().begin().await.unwrap();
    let foreign = own.lake.abort_upload(&mut tx, &w.bucket, &key("u"), &open.id).await;
    assert!(matches!(foreign, Err(LakeError::NoSuchUpload { .. })));
    let named = [CompletePart { number: 1, etag: parts[0].etag.clone(), checksums: Vec::new() }];
    let (checks, none) = (CompleteChecks::default(), Conditions::NONE);
    for _ in 0..2 {
        own.lake
            .complete_upload(&mut tx, &w.bucket, &key("done"), &ids[0], &named, &checks, &none)
            .await
            .unwrap();
    }
    tx.commit().await.unwrap();
    let mut tx = w.lake.store().read().await.unwrap();
    let query = UploadsQuery { limit: 10, ..UploadsQuery::default() };
    let seen = |page: lake::UploadsPage| -> Vec<String> { page.uploads.into_iter().map(|u| u.id).collect() };
    assert_eq!(seen(own.lake.list_uploads(&mut tx, &w.bucket, &query).await.unwrap()), [ids[1].clone()]);
    assert_eq!(
        seen(w.lake.list_uploads(&mut tx, &w.bucket, &query).await.unwrap()),
        std::slice::from_ref(&open.id)
    );
    drop(tx);
    publish(&w, "run").await.unwrap();
    assert_eq!(names(&w).await, ["done"]);
    w.lake.collect_once().await.unwrap();
    assert_eq!(w.files(), 1);
}

#[tokio::test]
async fn a_copy_shares_bytes_across_the_border() {
    let w = world().await;
    w.put("a", vec![5; BIG]).await;
    let own = apart(&w, "run").await;
    let mut tx = w.lake.store().begin().await.unwrap();
    let source = own.lake.get(&mut tx, &w.bucket, &key("a"), &Conditions::NONE).await.unwrap();
    let (options, none) = (CopyOptions::default(), Conditions::NONE);
    own.lake.copy(&mut tx, &source, &w.bucket, &key("b"), options, &none).await.unwrap();
    tx.commit().await.unwrap();
    drop(source);
    own.delete("a").await;
    assert_eq!(text(&own, "b").await, vec![5; BIG]);
    publish(&w, "run").await.unwrap();
    w.lake.collect_once().await.unwrap();
    assert_eq!((names(&w).await, w.files()), (vec!["b".to_owned()], 1));
}

#[tokio::test]
async fn what_cannot_be_held_back_is_refused() {
    let w = world().await;
    let own = apart(&w, "run").await;
    let other = BucketName::new("another").unwrap();
    let mut tx = w.lake.store().begin().await.unwrap();
    let made = own.lake.create_bucket(&mut tx, &scope("000000000000"), &other).await;
    assert!(matches!(made, Err(LakeError::NotInOverlay { .. })), "{made:?}");
    let there = own.lake.create_bucket(&mut tx, &scope("000000000000"), &w.bucket).await;
    assert!(matches!(there, Err(LakeError::BucketAlreadyOwnedByYou { .. })), "{there:?}");
    let deleted = own.lake.delete_bucket(&mut tx, &w.bucket).await;
    assert!(matches!(deleted, Err(LakeError::NotInOverlay { .. })), "{deleted:?}");
    let told = own.lake.set_notifications(&mut tx, &w.bucket, Vec::new(), false).await;
    assert!(matches!(told, Err(LakeError::NotInOverlay { .. })), "{told:?}");
    drop(tx);
    own.put("a", b"a".to_vec()).await;
    let mut tx = w.lake.store().begin().await.unwrap();
    w.lake.delete_bucket(&mut tx, &w.bucket).await.unwrap();
    tx.commit().await.unwrap();
    assert!(matches!(publish(&w, "run").await, Err(LakeError::Overtaken { .. })));
    give_up(&w, "run").await;
    w.lake.collect_once().await.unwrap();
}

#[tokio::test]
async fn queues_are_told_when_it_is_published() {
    let w = told::watched(&["s3:ObjectCreated:*", "s3:ObjectRemoved:*"]).await;
    w.put("gone", b"1".to_vec()).await;
    w.put("replaced", b"1".to_vec()).await;
    told::events(&w).await;
    let own = apart(&w, "run").await;
    own.put("new", b"12".to_vec()).await;
    own.put("replaced", b"123".to_vec()).await;
    own.put("passing", b"1".to_vec()).await;
    own.delete("passing").await;
    own.delete("gone").await;
    assert_eq!(told::events(&w).await, Vec::<String>::new());
    publish(&w, "run").await.unwrap();
    let expected = ["ObjectRemoved:Delete gone -", "ObjectCreated:Put new 2", "ObjectCreated:Put replaced 3"];
    assert_eq!(told::events(&w).await, expected);
}
