"""What people write when something is broken, while it is mended, and when it works again."""

from __future__ import annotations

from app.rules.maintenance import CategoryCode

C = CategoryCode

# Category → how often it comes up (of a hundred), then (issue type of rules/maintenance.CATEGORIES, what is written).
REPORTS: dict[CategoryCode, tuple[int, tuple[tuple[str, str], ...]]] = {
    C.PLUMBER: (24, (
        ("Tap", "The tap of the wash basin drips all night. Tightening it did not help."),
        ("Tap", "Tap handle has come off, water cannot be shut fully."),
        ("Pipe leak", "Water is leaking from the pipe under the basin and the floor is wet."),
        ("Pipe leak", "Damp patch on the wall next to the bathroom, getting bigger since Sunday."),
        ("Drain blocked", "Bathroom drain is blocked, water stands ankle deep while bathing."),
        ("No water", "No water in the morning since 6 am. The other rooms on this floor have the same."),
        ("No hot water", "Geyser is on but the water stays cold. The red light does not come."),
        ("Toilet", "Flush does not stop, the tank keeps filling."),
        ("Shower", "Shower head is broken, only a thin stream comes out."),
    )),
    C.ELECTRICITY: (20, (
        ("Fan", "Ceiling fan makes a grinding noise and runs very slow even on 5."),
        ("Fan", "Fan regulator is stuck, the fan runs at one speed only."),
        ("Lighting", "Tube light flickers, hard to study in the evening."),
        ("Lighting", "Corridor light outside the room has been off for two days."),
        ("Power outlet", "Socket next to the study table gives sparks when the laptop charger is plugged in."),
        ("Power outlet", "No power in the socket near the bed, tried two chargers."),
        ("Switch", "Switch for the bathroom light is broken, the inside is visible."),
        ("Breaker trips", "MCB trips every time the geyser is switched on."),
        ("Power failure", "Half of the room has no electricity since the rain last night."),
    )),
    C.WIFI: (17, (
        ("No connection", "WiFi connects but there is no internet. Have an online exam tomorrow."),
        ("Slow speed", "Internet is very slow after 9 pm, video calls break up."),
        ("Connection drops", "Connection drops every ten minutes and I have to sign in again."),
        ("Router", "The router on our floor shows a red light."),
    )),
    C.HOUSEKEEPING: (15, (
        ("Room cleaning", "Room was not cleaned this week, dustbin is overflowing."),
        ("Linen replacement", "Please change the bed sheet and pillow cover, it is more than two weeks now."),
        ("Pest control", "Cockroaches in the bathroom and near the cupboard."),
        ("Pest control", "Mosquitoes come in because the net on the window is torn."),
        ("Waste collection", "Waste on this floor has not been taken away since Friday."),
        ("Mould", "Black mould on the ceiling above the window."),
    )),
    C.CARPENTRY: (11, (
        ("Door", "Door does not close fully, it has swollen after the rains."),
        ("Window", "Window latch is broken, it stays open and rain comes in."),
        ("Wardrobe", "One hinge of the wardrobe is broken, the door hangs."),
        ("Furniture", "Leg of the study chair is loose, it is not safe to sit on."),
        ("Paint or plaster", "Plaster is coming off the wall behind the bed."),
    )),
    C.AC_HEATING: (6, (
        ("Air conditioning", "AC is running but not cooling. Filter was cleaned last month."),
        ("Air conditioning", "Water drips from the indoor unit of the AC on to the bed."),
        ("Ventilation", "Exhaust fan in the bathroom does not start."),
    )),
    C.SECURITY: (5, (
        ("Door lock", "The key turns but the lock does not open, we had to call the guard to get in."),
        ("Key lost", "I lost my room key on the way from college. Please give a duplicate."),
        ("Access card", "My access card is not accepted at the main gate since yesterday."),
        ("Safety equipment", "Fire extinguisher near the stairs is past its date."),
    )),
    C.OTHER: (2, (
        ("Lift", "Lift stops between the 2nd and 3rd floor, people are afraid to use it."),
        ("Noise", "Water pump makes a loud noise at 5 in the morning."),
        ("Common area", "TV in the common room has no picture, only sound."),
    )),
}

# Where in a common room; rooms that people live in need no more words.
PLACES = ("near the entrance", "by the window", "next to the counter", "at the back wall")

STAFF_REMARKS = (
    "Will come today after 4 pm, please keep the room open.",
    "Checked it: a part has to be replaced, I am getting it from the store.",
    "Came to the room at 11, nobody was there. Will try again in the evening.",
    "Done for now, please watch it until tomorrow and tell us if it comes back.",
    "Main line was switched off while working; it is on again.",
    "Same problem as last month. It needs the vendor, have told the office.",
)
RESIDENT_REMARKS = (
    "Thank you, it works now.",
    "Please come before 9 am or after 6 pm, we are in college during the day.",
    "It has become worse since yesterday.",
    "Any update on this?",
    "My roommate will be in the room after 3.",
    "The keys are with the guard.",
)
MANAGER_REMARKS = (
    "Please do this one first, the parents are visiting on Saturday.",
    "Vendor has promised to send somebody tomorrow morning.",
    "Approved, buy the part from the usual shop and keep the bill.",
)
HOLDS = (
    "Waiting for a spare part, ordered from the vendor.",
    "Residents are away, the room is locked.",
    "Wall has to dry before it can be plastered.",
    "The internet provider has a fault in the area.",
)
RESOLUTIONS: dict[CategoryCode, tuple[str, ...]] = {
    C.PLUMBER: ("Washer replaced.", "Joint sealed with new tape, no leak any more.", "Drain cleared.", "Cartridge changed."),
    C.ELECTRICITY: ("Capacitor changed.", "New socket fitted.", "Loose wire fixed and tested.", "Tube and starter replaced."),
    C.WIFI: ("Router restarted and moved to another channel.", "Provider has repaired the line.", "Access point replaced."),
    C.HOUSEKEEPING: ("Cleaned.", "Linen changed.", "Gel treatment done, next round in 15 days.", "Waste taken away."),
    C.CARPENTRY: ("Hinge replaced.", "Door planed, closes now.", "Screws tightened and glued.", "New latch fitted."),
    C.AC_HEATING: ("Gas refilled.", "Drain pipe of the unit cleaned.", "Motor replaced."),
    C.SECURITY: ("Lock oiled and cylinder replaced.", "Duplicate key handed over.", "Card programmed again."),
    C.OTHER: ("Done.", "Service company has repaired it.", "Mounting tightened."),
}
REJECTIONS = (
    "The same was reported already from this room; please follow that request.",
    "This is the resident's own appliance, which we do not repair.",
    "Not a defect: hot water runs from 6 to 9 in the morning.",
    "Could not find anything wrong in two visits.",
)
DISPUTES = (
    "It started again the same evening.",
    "It was only cleaned, the part is still broken.",
    "Works for an hour and then it is the same.",
)
OUTSIDE_PARTIES: dict[CategoryCode, str] = {
    C.PLUMBER: "Shree Pump Service", C.ELECTRICITY: "Sai Electricals", C.WIFI: "City Broadband", C.SECURITY: "Safe Key Makers",
    C.HOUSEKEEPING: "Clean Home Pest Control", C.CARPENTRY: "Omkar Furniture Works", C.AC_HEATING: "Cool Breeze AC Care",
    C.OTHER: "Swift Lift Service",
}
ESCALATED = "The time allowed for it has passed."
