"""Who and what the demo consists of: two companies, their houses with every room and bed, and their people."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice

from app.permissions import Role
from app.rules.organizations import Plan
from app.rules.rooms import RoomKind, RoomPlan, floor_name, room_numbers

R = Role


@dataclass(frozen=True)
class Storey:
    """A floor with its rooms."""

    level: int
    rooms: tuple[RoomPlan, ...]

    @property
    def name(self) -> str:
        """As people call it."""
        return floor_name(self.level)


@dataclass(frozen=True)
class House:
    """A hostel, floor by floor; `requests` is how many repairs it saw in three months."""

    code: str
    name: str
    city: str
    address: str
    storeys: tuple[Storey, ...]
    requests: int

    @property
    def beds(self) -> int:
        """Places to sleep."""
        return sum(room.beds for storey in self.storeys for room in storey.rooms)


@dataclass(frozen=True)
class Somebody:
    """A person with a login; `places` are the roles they hold, each in one house (its code) or, with None, everywhere."""

    name: str
    email: str
    places: tuple[tuple[Role, str | None], ...]

    @property
    def is_resident(self) -> bool:
        """Whether they live there rather than work there."""
        return all(role in {R.RESIDENT, R.PENDING_RESIDENT} for role, _ in self.places)


@dataclass(frozen=True)
class Company:
    """One tenant."""

    name: str
    slug: str
    plan: Plan
    houses: tuple[House, ...]
    people: tuple[Somebody, ...]


def _storey(level: int, count: int, beds: int, kind: RoomKind = RoomKind.SHARED) -> Storey:
    return Storey(level, tuple(RoomPlan(number, kind, beds) for number in room_numbers(level, count)))


def _ground(*names: str, dormitories: tuple[int, ...] = ()) -> Storey:
    """The ground floor: rooms that everybody uses, perhaps dormitories."""
    sleeping = (RoomPlan(number, RoomKind.DORMITORY, beds)
                for number, beds in zip(room_numbers(0, max(len(dormitories), 1)), dormitories, strict=False))
    return Storey(0, (*sleeping, *(RoomPlan(name, RoomKind.COMMON, 0) for name in names)))


_MEN = ("Aarav", "Rohan", "Arjun", "Vivaan", "Kabir", "Ishaan", "Siddharth", "Yash", "Omkar", "Tejas", "Pranav", "Nikhil",
        "Harsh", "Aditya", "Kunal", "Sahil", "Varun", "Atharva", "Dev", "Manav", "Raghav", "Imran", "Joel", "Gurpreet")
_WOMEN = ("Diya", "Ananya", "Sneha", "Isha", "Kavya", "Meera", "Riya", "Tanvi", "Aditi", "Pooja", "Shruti", "Nandini",
          "Zoya", "Maria", "Simran", "Gauri", "Mitali", "Rutuja", "Sakshi", "Vaishnavi", "Neha", "Lavanya", "Asmita")
SURNAMES = ("Patil", "Deshmukh", "Kulkarni", "Joshi", "Shinde", "Sharma", "Iyer", "Nair", "Reddy", "Khan", "Singh",
             "Fernandes", "Gupta", "Verma", "Banerjee", "Pillai", "Mehta", "Rao", "Chavan", "Bhosale", "Das", "Menon")


def _residents(first_names: tuple[str, ...], code: str, count: int, start: int) -> Iterator[Somebody]:
    """`count` people who live in a house; `start` keeps two houses from sharing names."""
    for number in range(start, start + count):
        first = first_names[number % len(first_names)]
        last = SURNAMES[(number * 5 + number // len(SURNAMES)) % len(SURNAMES)]
        yield Somebody(f"{first} {last}", f"{first}.{last}@students.example".lower(), ((R.RESIDENT, code),))


FIRST_NAMES = {"KTH": _MEN, "VMN": _WOMEN, "KRM": (*_MEN, *_WOMEN)}
"""Of those who live in a house, by its code."""


def _mixed() -> tuple[str, ...]:
    return tuple(name for pair in zip(_WOMEN, _MEN, strict=False) for name in pair)


def _staff(slug: str, *rows: tuple[str, str, Role, str | None]) -> tuple[Somebody, ...]:
    return tuple(Somebody(name, f"{box}@{slug}.example", ((role, code),)) for name, box, role, code in rows)


SAHYADRI = Company(
    "Sahyadri Student Living", "sahyadri", Plan.PROFESSIONAL,
    (
        House("KTH", "Sahyadri Boys Hostel, Kothrud", "Pune", "12 Paud Road, Kothrud, Pune 411038",
              (_ground("Reception", "Mess", "Kitchen", "Laundry", "Common room"),
               *(_storey(level, 8, 3) for level in range(1, 5))), requests=240),
        House("VMN", "Sahyadri Girls Hostel, Viman Nagar", "Pune", "7 Datta Mandir Chowk, Viman Nagar, Pune 411014",
              (_ground("Reception", "Mess", "Study hall", "Laundry"),
               *(_storey(level, 7, 3) for level in range(1, 5))), requests=210),
    ),
    (
        *_staff(
            "sahyadri",
            ("Ananya Deshpande", "owner", R.OWNER, None),
            ("Vikram Kulkarni", "administrator", R.ADMINISTRATOR, None),
            ("Suresh Jadhav", "manager.kothrud", R.HOSTEL_MANAGER, "KTH"),
            ("Meenal Gokhale", "manager.vimannagar", R.HOSTEL_MANAGER, "VMN"),
            ("Farhan Shaikh", "accountant", R.ACCOUNTANT, None),
            ("Ramesh Pawar", "repairs1.kothrud", R.MAINTENANCE_STAFF, "KTH"),
            ("Ganesh More", "repairs2.kothrud", R.MAINTENANCE_STAFF, "KTH"),
            ("Santosh Gaikwad", "repairs3.kothrud", R.MAINTENANCE_STAFF, "KTH"),
            ("Prakash Kamble", "repairs1.vimannagar", R.MAINTENANCE_STAFF, "VMN"),
            ("Dattatray Sawant", "repairs2.vimannagar", R.MAINTENANCE_STAFF, "VMN"),
            ("Sunita Waghmare", "repairs3.vimannagar", R.MAINTENANCE_STAFF, "VMN"),
            ("Bahadur Thapa", "guard", R.GUARD, "KTH"),
            ("Rekha Thorat", "guard.vimannagar", R.GUARD, "VMN"),
            ("Karan Malhotra", "sales", R.SALES_AGENT, None),
            ("Lata Bhosale", "canteen", R.CANTEEN_STAFF, "KTH"),
            ("Nitin Salunkhe", "amenities", R.AMENITY_MANAGER, None),
            ("Priya Ranganathan", "bots", R.BOT_TRAINER, None),
            ("Abhijit Sathe", "member", R.MEMBER, None),
            ("Joan D'Souza", "viewer", R.VIEWER, None),
        ),
        *_residents(_MEN, "KTH", 24, 0),
        *_residents(_WOMEN, "VMN", 20, 0),
        *(Somebody(name, f"{name}@students.example".lower().replace(" ", "."), ((R.PENDING_RESIDENT, "KTH"),)) for name in (
            "Tushar Apte", "Ketan Wagh", "Nilesh Borkar", "Sumit Kale", "Aditya Limaye", "Chinmay Rane", "Rohit Bhagat")),
    ),
)

NANDI = Company(
    "Nandi Co-living", "nandi", Plan.FREE,
    (
        House("KRM", "Nandi House, Koramangala", "Bengaluru", "41 5th Cross, Koramangala 6th Block, Bengaluru 560095",
              (_ground("Reception", "Kitchen", "Gym", dormitories=(8, 10)),
               *(_storey(level, 6, 2) for level in range(1, 4)), _storey(4, 6, 1, RoomKind.SINGLE)), requests=150),
    ),
    (
        # Runs one company and looks in on another: the switcher in the top bar is theirs. Five people work here, which
        # is all that the plan allows: the sixth is refused.
        Somebody("Lakshmi Gowda", "owner@nandi.example", ((R.OWNER, None),)),
        *_staff(
            "nandi",
            ("Shwetha Hegde", "manager", R.HOSTEL_MANAGER, "KRM"),
            ("Manjunath Shetty", "repairs1", R.MAINTENANCE_STAFF, "KRM"),
            ("Venkatesh Murthy", "repairs2", R.MAINTENANCE_STAFF, "KRM"),
            ("Anthony Lobo", "repairs3", R.MAINTENANCE_STAFF, "KRM"),
        ),
        *_residents(_mixed(), "KRM", 16, 51),
    ),
)

COMPANIES = (SAHYADRI, NANDI)
GUESTS = {"sahyadri": ("owner@nandi.example", R.MEMBER)}
"""People of one company with a role in another."""
PLATFORM = Somebody("Devika Rane", "platform@viramah.example", ((R.SUPER_ADMIN, None),))


def everybody() -> list[Somebody]:
    """All who can sign in."""
    return [PLATFORM, *(person for company in COMPANIES for person in company.people)]


def logins(residents_each: int = 1) -> list[tuple[str, str, str]]:
    """(role, where, e-mail) of everybody who works somewhere, and of some who live there: what the start prints."""
    rows = [(R.SUPER_ADMIN, "the whole installation", PLATFORM.email)]
    for company in COMPANIES:
        names = {house.code: house.name for house in company.houses} | {None: company.name}
        shown = [person for person in company.people if not person.is_resident]
        for house in company.houses:
            living = (person for person in company.people if person.places == ((R.RESIDENT, house.code),))
            shown += islice(living, residents_each)
        shown += islice((person for person in company.people if person.places[0][0] is R.PENDING_RESIDENT), residents_each)
        rows += [(role, names[code], person.email) for person in shown for role, code in person.places]
    return [(role.replace("_", " "), where, email) for role, where, email in rows]
