"""Breaking what is kept: tables and objects. What is replicated carries the damage along, as in AWS."""

from typing import Any

from bot.errors import N_, Phrase, phrase
from bot.rehearsal.breakages.scene import Fault, Scene
from bot.rehearsal.estate.names import CACHE, CARTS, DATABASE, ORDERS
from bot.rehearsal.estate.objects import PICTURES
from bot.rehearsal.estate.tables import laid_down, order
from escalation.errors import BadValue

_CORRUPT = -1


def table(scene: Scene, argument: str) -> Fault:
    name = _known_table(argument)
    dynamodb = scene.estate.home.client("dynamodb")
    spoilt = [order(key, _CORRUPT) for key in list(laid_down(name))[::2]]
    dynamodb.batch_write_item(RequestItems={name: [{"PutRequest": {"Item": item}} for item in spoilt]})
    what = phrase(N_("A bad release corrupts {count} items of {table}."), count=len(spoilt), table=name)
    return Fault(what, {"TableName": name})


def table_deleted(scene: Scene, argument: str) -> Fault:
    name = _known_table(argument)
    scene.estate.home.client("dynamodb").delete_table(TableName=name)
    return Fault(phrase(N_("Somebody deletes table {table}."), table=name), {"TableName": name})


def database(scene: Scene, argument: str) -> Fault:
    """AWS finds nothing wrong with it: nobody fails over by himself."""
    if argument != DATABASE:
        raise BadValue(_no("cluster", argument), phrase(N_("Known: {known}."), known=DATABASE))
    writer = scene.estate.aws.inside(
        lambda: scene.estate.aws.databases.sicken_writer(argument, scene.estate.home.region)
    )
    what = phrase(N_("{writer}, the writer of {cluster}, takes no writes any more."), writer=writer, cluster=argument)
    return Fault(what, {"DBClusterIdentifier": argument})


def cache(scene: Scene, argument: str) -> Fault:
    if argument != CACHE:
        raise BadValue(_no("cache", argument), phrase(N_("Known: {known}."), known=CACHE))
    node = scene.estate.aws.inside(lambda: scene.estate.aws.caches.sicken_primary(argument, scene.estate.home.region))
    what = phrase(N_("{node}, the primary of {group}, takes no writes any more."), node=node, group=argument)
    return Fault(what, {"ReplicationGroupId": argument})


def objects(scene: Scene, argument: str) -> Fault:
    s3, home = scene.estate.home.client("s3"), scene.estate.home
    keys = _known_objects(argument)
    for key in keys:
        s3.put_object(Bucket=home.bucket, Key=key, Body=b"rubbish")
    what = phrase(N_("{count} objects in {bucket} are overwritten with rubbish."), count=len(keys), bucket=home.bucket)
    return Fault(what, {"BucketName": home.bucket})


def objects_deleted(scene: Scene, argument: str) -> Fault:
    s3, home = scene.estate.home.client("s3"), scene.estate.home
    keys = _known_objects(argument)
    gone: dict[str, Any] = {"Objects": [{"Key": key} for key in keys]}
    s3.delete_objects(Bucket=home.bucket, Delete=gone)
    what = phrase(N_("{count} objects in {bucket} are deleted."), count=len(keys), bucket=home.bucket)
    return Fault(what, {"BucketName": home.bucket})


def _no(kind: str, name: str) -> Phrase:
    what = {"cluster": N_("The shop has no database {name}."), "cache": N_("The shop has no cache {name}.")}
    return phrase(what[kind], name=repr(name))


def _known_table(name: str) -> str:
    if name not in {ORDERS, CARTS}:
        what = phrase(N_("The shop has no table {table}."), table=repr(name))
        raise BadValue(what, phrase(N_("Known: {known}."), known=f"{ORDERS}, {CARTS}"))
    return name


def _known_objects(prefix: str) -> list[str]:
    keys = [key for key in PICTURES if key.startswith(prefix)]
    if not keys:
        what = phrase(N_("The shop has no objects that begin with {prefix}."), prefix=repr(prefix))
        raise BadValue(what, phrase(N_("Known: {known}."), known=", ".join(PICTURES)))
    return keys
