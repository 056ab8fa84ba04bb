"""People who register in the demo: one half-way, others with a reviewer, sent back, corrected, rejected or approved."""

from __future__ import annotations

import io
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from uuid import UUID, uuid5

from PIL import Image, ImageDraw, ImageFont
from sqlalchemy import select
from sqlalchemy.orm import Session

from app.crypto import KeyRing
from app.gateways.objects import ObjectStore
from app.models.onboarding import OnboardingProgress, OnboardingSubmission
from app.rules.onboarding import Step
from app.rules.personal import DocumentKind
from app.services import approval, beds, documents, onboarding
from app.services.demo import cast
from app.services.files import Upload

_SPACE = UUID("8b1c6f0e-7d5a-4f6c-9a55-0c1f8a2d7b90")
_CARD = (1000, 640)  # pixels
_PAPER = "#f3f1e7"


@dataclass(frozen=True)
class Newcomer:
    """Somebody on the way in: how many steps they have done, and what a reviewer made of it (`then`)."""

    email: str
    name: str
    phone: str
    number: str
    steps: int = 5
    then: str = ""
    reviewer: str = ""
    why: str = ""
    flags: dict[str, str] = field(default_factory=dict)
    corrected: dict[str, str] = field(default_factory=dict)


def newcomers(company: cast.Company) -> Iterator[Newcomer]:
    """Those of a company, in the order in which they came."""
    if company.slug != cast.SAHYADRI.slug:
        return
    manager, administrator = "manager.kothrud@sahyadri.example", "administrator@sahyadri.example"
    yield Newcomer("tushar.apte@students.example", "Tushar Apte", "+91 98220 41375", "BQTPA4471K", steps=1)
    yield Newcomer("ketan.wagh@students.example", "Ketan Wagh", "+91 98220 41376", "CDXPW2218L", steps=2)
    yield Newcomer("nilesh.borkar@students.example", "Nilesh Borkar", "+91 98220 41377", "ABZPB7716M", then="approve", reviewer=manager)
    yield Newcomer("sumit.kale@students.example", "Sumit Kale", "+91 98220 41378", "AFRPK5120C", then="reject", reviewer=manager,
                   why="The card shows somebody else. Please send your own.")
    yield Newcomer("aditya.limaye@students.example", "Aditya Limaye", "+91 98220 41379", "BNOPL9034D", then="revise", reviewer=manager,
                   flags={"phone": "Nobody answers on this number.", "full_name": "Please write it as on your papers.",
                          "parent_relation": "Your mother's name is written, but father is chosen."},
                   corrected={"phone": "+91 98220 77120", "full_name": "Aditya Limaye", "parent_relation": "mother"})
    yield Newcomer("chinmay.rane@students.example", "Chinmay Rane", "+91 98220 41380", "AKLPR3349E", then="claim", reviewer=administrator)
    yield Newcomer("rohit.bhagat@students.example", "Rohit Bhagat", "+91 98220 41380", "CGHPB6682F")


def register(session: Session, ring: KeyRing, objects: ObjectStore, user_id: int, who: Newcomer) -> bool:
    """What they typed, within their own scope; False if they have begun already."""
    if session.scalar(select(OnboardingProgress.id).where(OnboardingProgress.user_id == user_id)) is not None:
        return False
    day = onboarding.read(session, ring, user_id).house.today + timedelta(days=5)
    for step in list(Step)[:who.steps]:
        standing = onboarding.read(session, ring, user_id)
        typed = _answers(who, day.isoformat())[step]
        onboarding.keep(session, ring, user_id, step, typed, 0, standing)
        if step is Step.RESIDENTIAL:
            _give(session, ring, objects, user_id, who)
        if step is Step.ROOM:
            free = next(one.bed_id for one in beds.choices(session, standing.house.id, day) if one.state == "free")
            onboarding.choose_bed(session, free, onboarding.read(session, ring, user_id))
        if step is not Step.REVIEW:
            onboarding.complete(session, step)
    if who.steps == len(Step):
        onboarding.submit(session, ring, user_id, uuid5(_SPACE, f"{who.email} 1"))
    return True


def review(session: Session, ring: KeyRing, user_id: int, who: Newcomer) -> None:
    """What a reviewer makes of it, within the reviewer's scope."""
    item = session.scalars(select(OnboardingSubmission.id).where(OnboardingSubmission.user_id == user_id)).one()
    approval.claim(session, ring, item)
    if who.then == "approve":
        approval.approve(session, item)
    elif who.then == "reject":
        approval.reject(session, item, who.why)
    elif who.then == "revise":
        approval.request_revision(session, item, who.flags)


def correct(session: Session, ring: KeyRing, user_id: int, who: Newcomer) -> None:
    """What they were asked to correct, sent again, within their own scope."""
    for step in (Step.RESIDENTIAL, Step.PARENTAL, Step.REVIEW):
        standing = onboarding.read(session, ring, user_id)
        typed = {"agreed": "y"} if step is Step.REVIEW else {name: text for name, text in who.corrected.items() if name in standing.open}
        onboarding.keep(session, ring, user_id, step, typed, standing.versions.get(step, 0), standing)
    onboarding.submit(session, ring, user_id, uuid5(_SPACE, f"{who.email} 2"))


def _answers(who: Newcomer, day: str) -> dict[Step, dict[str, str]]:
    surname = who.name.rpartition(" ")[2]
    return {
        Step.RESIDENTIAL: {"full_name": who.name if "full_name" not in who.corrected else f"Adi {surname}", "date_of_birth": "2006-08-19", "gender": "male",
                           "phone": who.phone, "address": f"14 Station Road, Satara 415001, {surname} house", "identity_kind": "pan",
                           "identity_number": who.number, "institution": "Fergusson College"},
        Step.PARENTAL: {"parent_name": f"Sunanda {surname}", "parent_relation": "father" if "parent_relation" in who.corrected else "mother",
                        "parent_phone": "+91 94220 15570", "parent_email": f"{surname.lower()}.family@mail.example"},
        Step.ROOM: {"move_in_on": day, "mess_plan": "Vegetarian mess", "lunchbox": "y"},
        Step.PREFERENCES: {"food": "vegetarian", "sleep": "late", "study": "in_the_room", "tidiness": "very_tidy",
                           "about": "I play the tabla, never after eight in the evening."},
        Step.REVIEW: {"agreed": "y"}}


# -- papers -------------------------------------------------------------------------------------------------------


def _give(session: Session, ring: KeyRing, objects: ObjectStore, user_id: int, who: Newcomer) -> None:
    def add(kind: DocumentKind, name: str, content: bytes) -> None:
        documents.add(session, ring, objects, user_id, kind, Upload(name, "", content))

    add(DocumentKind.IDENTITY, "card.jpg", _file(_card(who.name, f"PAN {who.number}"), "JPEG"))
    add(DocumentKind.PHOTO, "photo.jpg", _file(_portrait(), "JPEG"))
    if who.steps == len(Step):
        add(DocumentKind.ADDRESS, "bill.pdf", _file(_card(who.name, "Electricity bill, 14 Station Road, Satara"), "PDF"))


def _card(name: str, line: str) -> Image.Image:
    """A card that nobody can take for a real one."""
    image = Image.new("RGB", _CARD, _PAPER)
    draw = ImageDraw.Draw(image)
    draw.rectangle((0, 0, _CARD[0], 110), fill="#3d6b8f")
    for place, (words, size, colour) in enumerate(((name, 54, "#1d1d1d"), (line, 40, "#1d1d1d"), ("19.08.2006", 40, "#1d1d1d"), ("Made up for a demo", 34, "#a8231c"))):
        draw.text((360, 170 + place * 100), words, fill=colour, font=ImageFont.load_default(size))
    draw.text((40, 26), "Specimen", fill="#ffffff", font=ImageFont.load_default(54))
    image.paste(_portrait().resize((270, 360)), (50, 170))
    return image


def _portrait() -> Image.Image:
    image = Image.new("RGB", (600, 800), "#c9d3de")
    draw = ImageDraw.Draw(image)
    draw.ellipse((180, 160, 420, 460), fill="#b98a63")
    draw.pieslice((170, 130, 430, 420), 180, 360, fill="#2b2320")
    draw.rounded_rectangle((90, 500, 510, 860), 120, fill="#3d6b5d")
    return image


def _file(image: Image.Image, kind: str) -> bytes:
    out = io.BytesIO()
    image.save(out, kind)
    return out.getvalue()
