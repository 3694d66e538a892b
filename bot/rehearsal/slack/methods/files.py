"""files.*: the upload in three steps (ask for an address, send the bytes there, complete)."""

from bot.rehearsal.slack import talk
from bot.rehearsal.slack.call import Call
from bot.rehearsal.slack.refusal import Refusal
from bot.rehearsal.slack.workspace import File, Json, Message
from bot.rehearsal.slack.world import World

LARGEST = 1_000_000_000


def get_upload_url(call: Call) -> Json:
    name, length = call.text("filename"), call.number("length", 0, LARGEST)
    if length == 0:
        raise Refusal("invalid_arguments", ["[ERROR] length must be more than 0"])
    file = File(call.world.ids.new("F"), name, length, call.world.ids.secret(""))
    call.world.files[file.id] = file
    return {"upload_url": f"{call.world.url}/upload/v1/{file.ticket}", "file_id": file.id}


def complete_upload(call: Call) -> Json:
    """Share uploaded files as one message, or keep them unshared when no channel is named."""
    entries = call.structure("files")
    if not isinstance(entries, list) or not entries:
        raise Refusal("invalid_arguments", ["[ERROR] missing required field: files"])
    files = [_uploaded(call, entry) for entry in entries]
    if call.given("channel_id"):
        channel = call.writable("channel_id")
        shown = [file_json(call.world, file) for file in files]
        thread = call.text("thread_ts", "")
        comment = call.text("initial_comment", "")
        message = Message(call.world.ids.timestamp(), call.bot, comment, files=shown, thread_ts=thread)
        talk.post(call.world, channel, message)
    return {"files": [{"id": file.id, "title": file.title} for file in files]}


def file_json(world: World, file: File) -> Json:
    return {
        "id": file.id,
        "name": file.name,
        "title": file.title,
        "mimetype": file.content_type,
        "size": len(file.content),
        "url_private": f"{world.url}/files/{file.id}",
    }


def _uploaded(call: Call, entry: object) -> File:
    wanted = entry.get("id") if isinstance(entry, dict) else None
    file = call.world.files.get(str(wanted))
    if file is None or not file.uploaded:
        raise Refusal("file_not_found")
    file.title = str(entry.get("title") or file.name) if isinstance(entry, dict) else file.name
    return file
