#!/usr/bin/env python3
"""Writes players.jsonl and lobbies.jsonl: made-up players and lobbies, one JSON object a line, as json.dumps gives them.

The sample that lies beside this script is `generate.py --out examples/data`; a large one is, say,
`generate.py --players 400000 --out /tmp/big`. The same options give the same bytes. Memory does not grow with the size.
"""

import argparse
import json
import math
import pathlib
import random

NOW = 1_763_800_000  # the newest created_at, in seconds since the Unix epoch: fixed, so that the output is too
YEAR = 365 * 86_400

# Language, countries, and names that players of it go by.
NAMES = [
    ("en", ["US", "GB", "CA", "AU"], ["PlayerOne", "NightOwl", "Rusty Spoon", "mia.hart", "xX_Sniper_Xx", "Old Tom", "JustDance"]),
    ("cs", ["CZ"], ["Žofie", "Ondřej Černý", "Příšerně žluťoučký kůň", "Šárka", "Jiří"]),
    ("vi", ["VN"], ["Nguyễn Thị Ánh", "Đặng Văn Hùng", "Trần Quốc Bảo", "Lê Mỹ Duyên"]),
    ("tr", ["TR"], ["Işıl", "Çağrı", "Gökçe Yıldız", "İbrahim"]),
    ("pl", ["PL"], ["Zażółć", "Łukasz Wójcik", "Grażyna", "Świętosława"]),
    ("is", ["IS"], ["Þórdís", "Ægir", "Guðrún Ósk"]),
    ("fr", ["FR", "CA"], ["Zoé", "François", "Noël Lefèvre", "L'Étoile"]),
    ("ru", ["RU", "KZ"], ["Алиса", "Дмитрий", "Ёжик в тумане", "Щелкунчик"]),
    ("uk", ["UA"], ["Їжачок", "Ґава", "Оленка Мельник"]),
    ("sr", ["RS"], ["Љубица", "Ђорђе", "Живко Њ."]),
    ("el", ["GR", "CY"], ["Οδυσσέας", "Ναυσικά", "Ελένη Παπαδοπούλου", "Άρης"]),
    ("zh", ["CN", "TW", "SG"], ["王小明", "夜行者", "李白的剑", "臺北阿宏", "𠮷野"]),
    ("ja", ["JP"], ["さくら", "タナカ☆", "山田太郎", "ぽんぽこ丸", "ﾈｺ"]),
    ("ko", ["KR"], ["김민준", "달빛검객", "하늘이", "최강유나"]),
    ("ar", ["EG", "SA", "MA"], ["ليلى", "أحمد الصياد", "نور", "مُحَمَّد"]),
    ("he", ["IL"], ["נועה", "דוד המלך"]),
    ("hi", ["IN", "NP"], ["अर्जुन", "प्रिया शर्मा", "विक्रम", "क्षत्रिय"]),
    ("ta", ["IN", "LK"], ["கவின்", "தமிழ்ச்செல்வி"]),
    ("th", ["TH"], ["น้ำฝน", "สมชาย"]),
    ("en", ["US", "BR", "DE"], ["🐉", "Team 🦊🦊", "👩‍🚀 Ada", "🏴‍☠️ Cap'n", "🇧🇷 Zé", "¯\\_(ツ)_/¯"]),
]
MODES = [("ranked", 10), ("casual", 8), ("duel", 2), ("arena", 6)]
MAPS = ["Frosthold", "Café Noir", "砂漠の嵐", "Old Harbour", "Крепость"]
REGIONS = ["eu-west", "eu-north", "us-east", "us-west", "ap-south", "ap-northeast", "sa-east"]


def player_id(number):
    return f"player_{number:06d}"


def moment(rng, newest, span):
    """A float as time.time() gives it, most of them recent."""
    return round(newest - span * rng.random() ** 2, 7)


def player(rng, number):
    language, countries, names = rng.choice(NAMES)
    name = rng.choice(names)
    if rng.random() < 0.6:
        name += rng.choice(["", "_", " ", "."]) + str(rng.randrange(1, 10_000))
    row = {
        "player_id": player_id(number),
        "username": name,
        "skill_rating": max(0, min(4000, round(rng.gauss(1500, 350)))),
        "created_at": moment(rng, NOW, 5 * YEAR),
        "attributes": {"country": rng.choice(countries), "language": language, "platform": rng.choice(["pc", "console", "phone"])},
    }
    if rng.random() < 0.01:  # keys that a reader of the documented dictionaries has never heard of
        row["clan"] = {"tag": "[" + name[:2] + "]", "rank": rng.randrange(1, 9)}
        row["last_seen_ip"] = None
    return row


def lobby(rng, number, members):
    mode, max_players = rng.choice(MODES)
    state = rng.choices(["waiting", "starting", "in_game", "closed"], [25, 10, 45, 20])[0]
    joined = rng.randrange(1, max_players) if state == "waiting" else max_players
    players = [player_id(next(members)) for _ in range(0 if state == "closed" and rng.random() < 0.5 else joined)]
    row = {
        "lobby_id": f"lobby_{number:06d}",
        "state": state,
        "players": players,
        "max_players": max_players,
        "owner": players[0] if players else "",
        "created_at": moment(rng, NOW, 900 if state in ("waiting", "starting") else 7200),
        "attributes": {"mode": mode, "map": rng.choice(MAPS), "region": rng.choice(REGIONS)},
    }
    if rng.random() < 0.01:
        row["spectators"] = [player_id(next(members)), "guest"]
        row["schema"] = 2
    return row


def walk(count):
    """Every number from 1 to `count`, scattered, again and again."""
    step = next(s for s in range(max(1, int(count * 0.618)), 2 * count + 2) if math.gcd(s, count) == 1)
    position = 0
    while True:
        yield position + 1
        position = (position + step) % count


def write(path, rows):
    with open(path, "w", encoding="utf-8", newline="\n") as file:
        for number, row in enumerate(rows):
            # Every tenth row as json.dumps writes it by default: "\u017dofie" instead of "Žofie".
            file.write(json.dumps(row, ensure_ascii=number % 10 == 9) + "\n")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--players", type=int, default=3000, help="how many players (default: %(default)s)")
    parser.add_argument("--lobbies", type=int, help="how many lobbies (default: a fifth of the players)")
    parser.add_argument("--out", type=pathlib.Path, default=pathlib.Path("."), help="the folder to write to (default: this one)")
    parser.add_argument("--seed", type=int, default=1, help="another seed, other rows (default: %(default)s)")
    options = parser.parse_args()
    if options.players < 1 or (options.lobbies or 0) < 0:
        parser.error("at least one player, please, and no fewer than no lobbies")
    lobbies = options.players // 5 if options.lobbies is None else options.lobbies

    options.out.mkdir(parents=True, exist_ok=True)
    rng = random.Random(options.seed)
    members = walk(options.players)
    write(options.out / "players.jsonl", (player(rng, n) for n in range(1, options.players + 1)))
    write(options.out / "lobbies.jsonl", (lobby(rng, n, members) for n in range(1, lobbies + 1)))


if __name__ == "__main__":
    main()
