"""What a refusal of the database means to a person: by SQLSTATE, and for constraints by name."""

from __future__ import annotations

from dataclasses import dataclass

from app.rules.errors import Conflict, DomainError, Forbidden, Invalid, LimitReached, NotFound


class Unavailable(DomainError):
    """Nothing is wrong with what was asked; the same may work in a moment."""

    code = "unavailable"
    status = 503


@dataclass(frozen=True, slots=True)
class DatabaseRefusal:
    """What PostgreSQL tells of an error: five characters, the words, and the names involved where it has them."""

    sqlstate: str
    message: str
    constraint: str | None = None
    column: str | None = None


# Sentences for constraints that a person can run into, and the form field they are about. A constraint that is not
# named here still gets a general sentence: name it when somebody may meet it by typing something.
CONSTRAINT_SENTENCES: dict[str, tuple[str, str | None]] = {
    "organizations_slug_key": ("Another organization has this address already; choose another.", "slug"),
    "organizations_slug_form": ("The address may have small letters, digits and hyphens, up to 63.", "slug"),
    "organizations_name_given": ("Please give the organization a name.", "name"),
    "hostels_code_key": ("Another hostel has this code already.", "code"),
    "hostels_named": ("Please give the hostel a name and a code.", "name"),
    "floors_level_key": ("This hostel has a floor of this level already.", "level"),
    "rooms_number_key": ("This hostel has a room of this number already.", "number"),
    "rooms_number_given": ("Please give the room a number.", "number"),
    "beds_label_key": ("This room has a bed of this label already.", "label"),
    "room_types_name_key": ("This hostel has a kind of room of this name already.", "name"),
    "room_types_named": ("Please give the kind of room a name.", "name"),
    "tariffs_one_price": ("There is a price for this on some of these days already.", "valid_from"),
    "tariffs_named": ("Please give the price a name.", "name"),
    "tariffs_time_forward": ("The last day must come after the first.", "valid_until"),
    "stays_one_at_a_time": ("This person has a stay in this hostel on some of these days already.", "member"),
    "bed_allocations_no_bed_twice": ("This bed is not free on all of these days.", "bed"),
    "maintenance_categories_code_key": ("There is a category of this code already.", "code"),
    "maintenance_categories_named": ("Please give the category a name.", "name"),
    "maintenance_issue_types_named": ("Please give the issue type a name.", "name"),
    "maintenance_requests_description_length": ("The description is too long.", "description"),
    "maintenance_requests_place_length": ("The place takes at most 200 characters.", "place"),
    "maintenance_comments_body": ("A comment is 1 to some thousand characters long.", "body"),
    "maintenance_attachments_file_key": ("This file is attached already.", None),
    "memberships_key": ("This person has this role already.", "role"),
    "invitations_pending_key": (
        "An invitation for this role is waiting for them already; you can send that one again.", "email"),
    "memberships_time_forward": ("The role must end after it begins.", "valid_until"),
    "memberships_wide_roles": ("An owner or administrator works in all hostels, not in one.", "hostel"),
    "memberships_no_platform_role": ("This role is not an organization's to give.", "role"),
    "permission_overrides_key": ("There is such an exception already; change that one.", None),
    "team_members_external_key": ("Another team member has this external number already.", "external_id"),
    "saved_views_name_key": ("You have a view of this name here already; choose another.", "name"),
    "tasks_subject_key": ("This is being worked on already: wait for its end, or cancel it.", None),
    "canteen_menu_dish_key": ("This dish is on the menu of this meal already.", "name"),
    "canteen_menu_price": ("Give a price from 0.01 to 10,000.", "price_paise"),
    "canteen_menu_portions": ("Give a number of portions from 0 to 5000.", "portions"),
    "canteen_menu_description_short": ("The description takes at most 500 characters.", "description"),
    "inventory_items_name_key": ("The storeroom has an item of this name already.", "name"),
    "inventory_items_named": ("Please give the item a name.", "name"),
    "inventory_items_removed_empty": ("Some of it is in stock: book that out first.", None),
    "inventory_items_short": ("One of the texts is too long.", None),
    "files_not_empty": ("This file is empty.", "file"),
}

_OURS: dict[str, type[DomainError]] = {
    "VR403": Forbidden,
    "VR404": NotFound,
    "VR409": Conflict,
    "VR429": LimitReached,
}
# By SQLSTATE, or by its class (two characters).
_GENERAL: dict[str, tuple[type[DomainError], str]] = {
    "08": (Unavailable, "The database does not answer; please try again in a moment."),
    "23503": (Invalid, "This refers to something that does not exist, or something else still refers to it."),
    "23505": (Conflict, "There is one like this already."),
    "23514": (Invalid, "One of the values is outside of what is allowed."),
    "23P01": (Conflict, "This overlaps with something that is there already."),
    "22001": (Invalid, "One of the texts is too long."),
    "22003": (Invalid, "One of the numbers is too large."),
    "22007": (Invalid, "This is not a date or a time."),
    "22008": (Invalid, "This date or time does not exist."),
    "22021": (Invalid, "The text contains characters that cannot be stored."),
    "22P02": (Invalid, "One of the values is not of the kind that belongs there."),
    "22P05": (Invalid, "The text contains characters that cannot be stored."),
    "42501": (Forbidden, "You may not do this."),
    "40001": (Conflict, "Somebody else changed this at the same moment; please try again."),
    "40P01": (Conflict, "Somebody else changed this at the same moment; please try again."),
    "55P03": (Conflict, "Somebody else is changing this right now; please try again."),
    "57014": (Unavailable, "This took too long and was stopped; please try again, or ask for less at once."),
    "53300": (Unavailable, "The database is busy; please try again in a moment."),
    "57P01": (Unavailable, "The database is restarting; please try again in a moment."),
    "57P02": (Unavailable, "The database is restarting; please try again in a moment."),
    "57P03": (Unavailable, "The database is starting; please try again in a moment."),
}


def meaning_of(refusal: DatabaseRefusal) -> DomainError | None:
    """The error a person is shown, or None: then it is a bug of ours, and theirs to know only as such.

    SQLSTATEs: PostgreSQL's appendix A; class VR is raised by our own functions, whose words are meant for people.
    """
    if refusal.sqlstate == "VR422":
        return Invalid(refusal.message, refusal.column)
    if (ours := _OURS.get(refusal.sqlstate)) is not None:
        return ours(refusal.message)
    if refusal.sqlstate == "23502":
        return Invalid(f"Please fill in “{(refusal.column or 'this').replace('_', ' ')}”.", refusal.column)
    if refusal.sqlstate == "22P02" and "type uuid" in refusal.message:
        return NotFound("There is nothing at this address.")  # nothing has an id that is none
    return _general(refusal)


def _general(refusal: DatabaseRefusal) -> DomainError | None:
    found = _GENERAL.get(refusal.sqlstate) or _GENERAL.get(refusal.sqlstate[:2])
    if found is None:
        return None
    kind, general = found
    sentence, field = CONSTRAINT_SENTENCES.get(refusal.constraint or "", (general, None))
    return Invalid(sentence, field) if kind is Invalid else kind(sentence)
