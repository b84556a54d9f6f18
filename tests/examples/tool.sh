#!/usr/bin/env bash
# tool.sh <case> <the program joinly>: something that the tool promises to those who call it.
set -euo pipefail

case=$1 joinly=$2
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
export TMPDIR=$work

fail() { printf '%s\n' "$@" >&2; exit 1; }

# expect <exit code> <arguments>...: what the tool says is then in out (data) and err (messages).
expect() {
    local code=0
    "$joinly" "${@:2}" >out 2>err </dev/null || code=$?
    ((code == $1)) || fail "joinly ${*:2}: exit code $code, not $1" "$(cat out err)"
}

says() { grep -qF -- "$1" out || fail "no data: $1" "$(cat out err)"; }
messages() { grep -qF -- "$1" err || fail "no message: $1" "$(cat out err)"; }
is_silent() { [[ ! -s err ]] || fail "there are messages:" "$(cat err)"; }
outputs() { [[ $(cat out) == "$1" ]] || fail "not the data that were expected: $1" "$(cat out)"; }

# until_heeded: what runs in the background has something of its own to do when an INT comes.
until_heeded() {
    local name value program='' caught=0
    until [[ $program == joinly ]] && ((0x$caught & 2)); do
        kill -0 $! 2>/dev/null || fail "it ended without being interrupted" "$(cat err)"
        while read -r name value; do
            case $name in Name:) program=$value ;; SigCgt:) caught=$value ;; esac
        done <"/proc/$!/status"
    done
}

# until_there <pattern>: of files that what runs in the background makes.
until_there() {
    until compgen -G "$1" >/dev/null; do kill -0 $! 2>/dev/null || fail "it ended without $1" "$(cat err)"; done
}

# Each line of out is a JSON object, and python's <expression> over the list `rows` of them holds.
json_holds() {
    python3 -c 'import json, sys
rows = [json.loads(line) for line in open("out")]
assert all(isinstance(row, dict) for row in rows), rows
assert eval(sys.argv[1]), rows' "$1" || fail "$1 does not hold"
}

# Both backends, one store each, with the same three records.
each_store() {
    for store in sqlite:db leveldb:dir; do
        "$joinly" put "$store" player:ada '{"username": "Ada", "skill_rating": 1200}' 2>err
        "$joinly" put "$store" lobby:1 '{"max_players": 4}' --ttl 1h
        "$joinly" put "$store" note 'hello'
        "$@" "$store"
    done
}

gives_back_what_it_took() {
    expect 0 get "$1" player:ada --json
    json_holds 'rows[0]["value"]["username"] == "Ada" and rows[0]["value"]["player_id"] == "ada" and rows[0]["expires_at"] is None'
    is_silent
    expect 0 get "$1" lobby:1 note --json
    json_holds 'rows[0]["expires_at"] > 1.7e9 and rows[1]["value"] == "hello"'
    expect 0 get "$1" note
    outputs hello
    expect 0 ls "$1"
    outputs $'lobby:1\nnote\nplayer:ada'
    expect 0 ls "$1" player:
    outputs player:ada
    expect 0 ls "$1" --limit 1 --after lobby:1
    outputs note
    expect 0 ls "$1" --json
    json_holds '[row["key"] for row in rows] == ["lobby:1", "note", "player:ada"] and rows[1]["bytes"] == 5'
    is_silent
    for flag in -l --details; do
        expect 0 ls $flag "$1"
        grep -Eq '^ +[0-9]+ +[0-9]+  20[0-9-]+ [0-9:]+  lobby:1$' out || fail "no details of lobby:1:" "$(cat out)"
        grep -Eq '^ +[0-9]+ +5 +-  note$' out || fail "no details of note:" "$(cat out)"
    done
    "$joinly" put "${1/:/+json:}_raw" player:ada '{"username": "Ada"}' 2>err
    expect 0 get "${1#*:}_raw" player:ada --raw
    cp out raw
    expect 0 get "${1#*:}_raw" player:ada
    json_holds 'rows[0]["username"] == "Ada" and rows[0] == json.load(open("raw"))'
    expect 0 get "$1" player:ada --raw
    ! cmp -s out raw || fail "it is not binary"
    expect 0 put "$1" note hello --json
    json_holds 'rows[0]["key"] == "note" and rows[0]["version"] > 1'
    local version
    version=$(python3 -c 'import json; print(json.load(open("out"))["version"])')
    expect 0 put "$1" note again --expect "$version"
    expect 1 put "$1" note again --expect "$version"
}

# A - in the place of a value or a file is stdin, or stdout.
takes_a_dash_for_stdin_and_stdout() {
    printf 'piped' | "$joinly" put "$1" note -
    expect 0 get "$1" note
    outputs piped
    "$joinly" dump "$1" - 2>err | "$joinly" load "${1/:/:copy_of_}" - --raw-kind raw 2>err
    same_records "$1" "${1/:/:copy_of_}"
    [[ ! -e - ]] || fail "it has made a file of the name -"
}

tells_what_is_there() {
    expect 0 info "$1"
    says "codec         binary"
    says "lobby, player, keys of no kind"
    expect 0 info "$1" --json
    json_holds 'rows[0]["kinds"] == ["lobby", "player"] and rows[0]["keys_of_no_kind"] and rows[0]["bytes_on_disk"] > 0'
    expect 0 stats "$1" --json
    json_holds 'sum(rows[0]["bytes_on_disk"].values()) > 0'
    json_holds 'rows[0]["kinds"]["player"]["records"] == 1 and rows[0]["kinds"]["lobby"]["expiring"] == 1'
    expect 0 stats "$1"
    is_silent
}

exits_1_when_the_answer_is_no() {
    expect 1 get "$1" player:nobody
    messages "player:nobody: not found"
    outputs ""
    expect 1 get "$1" player:ada player:nobody
    says '"username":"Ada"'
    expect 1 erase "$1" player:nobody note
    expect 1 get "$1" note
    expect 1 put "$1" player:ada '{}' --expect absent
    messages "player:ada is not at the version that was expected"
    expect 1 erase "$1" player:ada --expect 1000
    expect 0 get "$1" player:ada
}

exits_2_when_it_cannot_be_done() {
    expect 2 put "$1" player:ada '{"skill_rating": "high"}'
    messages "skill_rating"
    expect 2 put "$1" player:ada '{"skil_rating": 3}'
    messages "no fields of a player: player_id, username, skill_rating"
    expect 2 put "$1" player:ada '{"player_id": "bob"}'
    messages "its id is 'bob', and the key 'ada'"
    expect 2 put "$1" player:ada 'no json'
    expect 2 put "$1" player: '{}'
    expect 2 put "$1" player:ada '{}' --ttl soon
    messages "'soon' is no duration"
    expect 2 put "$1" player:ada '{}' --ttl 0s
    expect 2 put "$1" player:ada '{}' --expect newest
    expect 2 get "$1" 'player:\q'
    messages "a key's backslash begins a byte"
    expect 2 info "${1/:/+json:}"
    messages "are written in binary"
    expect 0 get "$1" player:ada
    says '"skill_rating":1200'
}

# Any bytes in keys and values go in and come out.
takes_any_bytes() {
    printf 'a\0\377\n' | "$joinly" put "$1" 'raw\x00\xff:\x5c'
    expect 0 ls "$1" raw
    outputs 'raw\x00\xff:\x5c'
    expect 0 get "$1" "$(cat out)"
    cmp out <(printf 'a\0\377\n')
    expect 0 get "$1" 'raw\x00\xff:\x5c' --json
    json_holds 'rows[0]["value_base64"] == "YQD/Cg=="'
    expect 0 put "$1" $'player:Zo\xc3\xab' '{}'
    expect 0 ls "$1" player:Zo
    outputs $'player:Zo\xc3\xab'
    expect 0 get "$1" "$(cat out)"
    expect 0 erase "$1" 'raw\x00\xff:\x5c'
}

sweeps_what_has_expired() {
    "$joinly" put "$1" lobby:old '{}' --ttl 1ms
    "$joinly" put "$1" lobby:older '{}' --ttl 1ms
    until [[ $("$joinly" ls "$1" lobby:old) == "" ]]; do :; done
    expect 1 get "$1" lobby:old
    expect 0 sweep "$1"
    [[ $(sort out) == $'lobby:old\nlobby:older' ]] || fail "it swept $(cat out)"
    messages "erased 2 expired records"
    expect 0 sweep "$1"
    outputs ""
    "$joinly" put "$1" lobby:old '{}' --ttl 1ms
    until [[ $("$joinly" ls "$1" lobby:old) == "" ]]; do :; done
    expect 0 sweep "$1" --json
    json_holds 'rows == [{"key": "lobby:old"}]'
}

# It waits for the pipe to be read: so the signal comes while it works.
sweep_interrupted() {
    local code=0
    players $((3 * many)) | sed 's/"version"/"expires_at":1,&/' | "$joinly" load sqlite:db 2>err
    mkfifo pipe
    env --default-signal=INT "$joinly" sweep db >pipe 2>err &
    exec 3<pipe
    head -n 1 <&3 >/dev/null
    kill -s INT $!
    cat <&3 >swept
    wait $! || code=$?
    ((code == 130)) || fail "exit code $code" "$(cat err)"
    messages "the same command goes on"
    expect 0 sweep db
    [[ -s out ]] || fail "there was nothing left to do"
    [[ $("$joinly" stats db --json) == *'"kinds":{}'* ]] || fail "something is left" "$("$joinly" stats db)"
}

sweep_leaves_what_is_damaged() {
    "$joinly" put sqlite:db lobby:1 '{}' 2>err
    "$joinly" put db lobby:old '{"players": ["name of Bob"]}' --ttl 1ms
    "$joinly" put db lobby:older '{}' --ttl 1ms
    damage db "name of Bob"
    expect 1 sweep db
    outputs lobby:older
    messages "some expired records are damaged, or in use: joinly verify db"
}

# A store that is not there is told, and not made.
does_not_make_what_is_missing() {
    for command in info get ls stats query erase sweep dump verify repair reindex; do
        for store in sqlite:missing leveldb:missing; do
            case $command in
                get | erase) expect 2 $command $store player:ada ;;
                query) expect 2 $command $store 'SELECT 1' ;;
                *) expect 2 $command $store ;;
            esac
            messages "there is no store at $store"
        done
        [[ ! -e missing ]] || fail "$command has made one"
    done
    expect 2 ls missing
    messages "sqlite:missing or leveldb:missing"
}

refuses_what_makes_no_sense() {
    expect 2
    expect 2 frobnicate
    messages "there is no command 'frobnicate'"
    expect 2 get
    messages "See joinly get --help"
    expect 2 get sqlite:db
    expect 2 ls sqlite:db --limit many
    expect 2 ls sqlite:
    messages "lacks the path"
    expect 2 put sqlite+xml:db note hello
    messages "not by +xml"
    for count in "ls sqlite:db --limit" "backup sqlite:db backups --keep"; do
        expect 2 $count -1
        messages "${count##* }: -1 is no count"
        expect 2 $count=-1
    done
    expect 2 bench --backend redis
    messages "there is no backend 'redis'; there are sqlite and leveldb"
    expect 2 bench "$work/nowhere"
    [[ $(ls) == $'err\nout' ]] || fail "something was made: $(ls)"
}

# Every command of the first page has a page of its own, with examples; and the other way round.
helps() {
    expect 0 --version
    grep -Eqx 'joinly [0-9]+\.[0-9]+\.[0-9]+' out || fail "no version: $(cat out)"
    expect 0 --help
    cp out first_page
    "$joinly" 2>first_page_again || true
    cmp first_page first_page_again
    local commands
    commands=$(sed -n 's/^  \([a-z]*\)  *[a-zA-Z].*/\1/p' first_page | grep -vx joinly)
    for command in $commands; do
        expect 0 "$command" --help
        says "Examples:"
        says "  joinly $command"
        cp out page
        expect 0 help "$command"
        cmp out page
    done
    for command in info get put ls erase dump load backup restore migrate verify repair reindex sweep stats query bench; do
        grep -qx "$command" <<<"$commands" || fail "the first page says nothing of $command"
    done
}

answers_sql() {
    "$joinly" put sqlite+json:db player:ada '{"username": "Ada", "skill_rating": 1200}'
    "$joinly" put db player:bob '{"username": "Bob"}'
    expect 0 info db
    says "codec         json"
    expect 2 query db 'SELECT username FROM player'
    expect 0 query db --views 'SELECT username, skill_rating FROM player ORDER BY 2'
    outputs $'username  skill_rating\nBob                  0\nAda               1200'
    expect 0 query db --json 'SELECT username, skill_rating FROM player ORDER BY 2 DESC'
    json_holds 'rows == [{"username": "Ada", "skill_rating": 1200}, {"username": "Bob", "skill_rating": 0}]'
    expect 2 query db 'DELETE FROM record'
    expect 2 query db 'WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT count(*) FROM n' --timeout 50ms
    "$joinly" put leveldb:dir note hello
    expect 2 query dir 'SELECT 1'
    messages "only an SQLite store answers SQL"
}

refuses_what_is_no_store() {
    echo "not a database, but long enough to be taken for a file of some other program's making" >text
    expect 2 info text
    messages "text"
    mkdir other && echo >other/file
    expect 2 info other
    [[ $(ls other) == file ]] || fail "it has made something of it: $(ls other)"
}

tells_of_output_that_is_lost() {
    "$joinly" put sqlite:db note hello
    local code=0
    "$joinly" ls db >/dev/full 2>err || code=$?
    ((code == 2)) || fail "exit code $code"
    messages "stdout cannot be written"
}

measures() {
    expect 0 bench --records 200 --json
    json_holds 'len(rows) == 10 and all(row["joinly_per_second"] > 0 and row["bare_per_second"] > 0 for row in rows)'
    expect 0 bench --records 200 --backend leveldb
    says "save, one by one"
    is_silent
    mkdir here
    (TMPDIR=$work/nowhere expect 0 bench here --records 200 --bytes 5000 --backend sqlite --json)
    json_holds 'len(rows) == 5'
    rmdir here
    expect 2 bench --bytes 1
    messages "--bytes"
    [[ $(ls) == $'err\nout' ]] || fail "left behind: $(ls)"
}

# It is told to end while it works: it leaves nothing behind, and ends as the signal would have ended it.
bench_interrupted() {
    local code=0
    env --default-signal=INT "$joinly" bench --records 500000 2>err >out &
    until_there 'joinly-*'
    kill -s INT $!
    wait $! || code=$?
    ((code == 130)) || fail "exit code $code"
    messages "interrupted"
    ! compgen -G "$work/joinly-*" || fail "left behind"
}

# --- everything that a store holds

# <n> players of 200 bytes, as a dump without its first line has them.
players() {
    awk -v n="$1" 'BEGIN { pad = sprintf("%120s", ""); gsub(" ", "x", pad)
        for (i = 1; i <= n; ++i)
            printf "{\"key\":\"player:p%07d\",\"version\":%d,\"value\":{\"player_id\":\"p%07d\",\"username\":\"%s\",\"skill_rating\":%d}}\n", i, i, i, pad, i % 3000 }'
}
many=20000  # enough that a signal comes in the middle

# The records of a store alone, as text that does not depend on its backend and codec.
records() { "$joinly" dump "$1" 2>err | grep '^{"key":"[a-z]'; }
same_records() { cmp <(records "$1") <(records "$2") || fail "$1 and $2 do not hold the same"; }
has_players() { [[ $("$joinly" stats "$1" --json) == *'"player":{"records":'"$2"',"expired"'* ]] || fail "$("$joinly" stats "$1")"; }

dumps_and_loads() {
    local other=leveldb+json:other
    [[ $1 == sqlite:* ]] || other=sqlite+json:other
    printf 'a\0\377' | "$joinly" put "$1" 'raw\x00\xff'
    expect 0 dump "$1" dump.jsonl
    messages "dumped"
    outputs ""
    expect 2 dump "$1" dump.jsonl
    messages "dump.jsonl is there already"
    expect 0 dump "$1" dump.jsonl --force
    expect 2 dump "$1" nodir/dump.jsonl
    messages "the directory nodir does not exist"
    expect 0 dump "$1"
    json_holds 'rows[0]["joinly_dump"] == 1 and "joinly_dump_end" in rows[-1] and any(row.get("key") == "lobby:1" for row in rows)'
    cmp out dump.jsonl
    expect 0 load $other dump.jsonl --raw-kind raw
    same_records "$1" $other
    expect 0 get other 'raw\x00\xff' --json
    json_holds 'rows[0]["value_base64"] == "YQD/"'
    expect 1 load $other dump.jsonl
    messages "line"
    expect 0 load $other dump.jsonl --existing skip --json
    json_holds 'rows[0]["loaded"] == 0 and rows[0]["skipped"] > 0'
    expect 0 load $other dump.jsonl --existing overwrite
    head -n -1 dump.jsonl >cut.jsonl
    expect 1 load "${1%%:*}:fresh" cut.jsonl
    echo 'no json' >bad.jsonl
    expect 1 load "${1%%:*}:fresh" bad.jsonl --existing overwrite
    messages "line 1"
    expect 2 load "$1" dump.jsonl --existing perhaps
    expect 2 load "$1" nowhere.jsonl
    rm -rf dump.jsonl other fresh
}

migrates() {
    local other=leveldb:other
    [[ $1 == sqlite:* ]] || other=sqlite:other
    expect 0 migrate "$1" "${other/:/+json:}" --dry-run
    messages "nothing was written"
    [[ ! -e other ]] || fail "the dry run has made something"
    expect 0 migrate "$1" "${other/:/+json:}" --json
    json_holds 'rows[0]["finished"] and rows[0]["kinds"]["player"] == 1'
    same_records "$1" $other
    expect 0 info $other
    says "codec         json"
    expect 0 migrate "$1" $other
    messages "0 records were written"
    "$joinly" put $other here before
    expect 1 migrate "$1" $other
    messages "the target holds records already"
    "$joinly" erase $other here
    expect 0 migrate $other "${other%%:*}+binary+zstd:back"
    same_records "$1" "${other%%:*}:back"
    expect 2 migrate sqlite:missing $other
    "$joinly" put "$1" config:main 'of no kind that is known'
    expect 2 migrate "$1" "${other%%:*}+json:third"
    messages "--raw-kind"
    expect 0 migrate "$1" "${other%%:*}+json:third" --raw-kind config
    rm -rf other back third
}

# However it is named.
refuses_to_migrate_a_store_into_itself() {
    local path=${1#*:}
    ln -s "$path" "link_to_$path"
    for other in "$path" "./$path" "link_to_$path"; do
        for args in "$1 ${1%%:*}:$other" "$other $1" "$1 ${1/:*/+json+zstd}:$other --dry-run"; do
            expect 2 migrate $args
            messages "is the store itself: a migration goes into another one"
        done
    done
}

# on_full_disk <KiB> <arguments>...: no file can become larger than that, which is what a plain user can have of a full disk.
on_full_disk() {
    local code=0
    (trap '' XFSZ; ulimit -f "$1"; exec "$joinly" "${@:2}") >out 2>err </dev/null || code=$?
    ((code == 2)) || fail "joinly ${*:2} on a full disk: exit code $code, not 2" "$(cat out err)"
    messages "joinly: "
}

leaves_nothing_half_made_on_a_full_disk() {
    local other=leveldb:other third=leveldb+json:third before
    [[ $1 == sqlite:* ]] || other=sqlite:other third=sqlite+json:third
    players 6000 >players.jsonl
    expect 0 load "$1" players.jsonl
    has_players "$1" 6001
    before=$(ls)
    on_full_disk 256 dump "$1" dump.jsonl
    messages "cannot write dump.jsonl"
    on_full_disk 256 backup "$1" backups
    messages backups
    [[ -z $(ls -A backups) ]] || fail "left behind: $(ls -A backups)"
    rmdir backups
    [[ $(ls) == "$before" ]] || fail "left behind: $(ls)"
    expect 0 verify "$1"

    if [[ $1 == sqlite:* ]]; then
        on_full_disk 256 repair "$1" saved
        ! compgen -G 'saved*' || fail "left behind"
    else
        expect 0 load leveldb:damaged players.jsonl  # into a log, of which the repair makes a table
        rm damaged/CURRENT
        on_full_disk 64 repair damaged
        messages "nothing is lost: repair it again when there is room"
        expect 0 repair damaged
        has_players damaged 6000
        rm -r damaged
    fi

    on_full_disk 512 load $other players.jsonl
    messages "other"
    messages "joinly load $other players.jsonl --existing skip"
    expect 0 load $other players.jsonl --existing skip
    has_players $other 6000

    on_full_disk 512 migrate "$1" $third
    messages "third"
    messages "the same command goes on: joinly migrate $1 $third"
    expect 0 migrate "$1" $third
    same_records "$1" $third
    rm -rf other third
}

# Reads the pipe only after the signal has come: so the dump is surely under way.
dump_interrupted() {
    local code=0
    players $many | "$joinly" load sqlite:db 2>err
    mkfifo pipe
    env --default-signal=INT "$joinly" dump db >pipe 2>err &
    exec 3<pipe
    head -n 1 <&3 >/dev/null
    kill -s INT $!
    cat <&3 >rest
    wait $! || code=$?
    ((code == 130)) || fail "exit code $code"
    messages "interrupted"
    ! grep -q joinly_dump_end rest || fail "it went on to the end"
}

# What a dump that was killed has left, the next one to the same file removes; it never had the file's name.
dump_killed() {
    local code tries
    players $many | "$joinly" load sqlite:db 2>err
    for before in '' 'what was there before'; do
        for ((code = 0, tries = 0; code == 0 && tries < 20; ++tries)); do  # it may come to its end before it is killed
            rm -f all.jsonl
            [[ -z $before ]] || echo "$before" >all.jsonl
            "$joinly" dump db all.jsonl ${before:+--force} 2>err &
            until_there 'all.jsonl.partial-*/lines'
            kill -s KILL $! 2>/dev/null || true
            wait $! 2>/dev/null || code=$?
        done
        ((code == 137)) || fail "exit code $code" "$(cat err)"
        [[ $(cat all.jsonl 2>/dev/null) == "$before" ]] || fail "something has the name"
        expect 0 dump db all.jsonl ${before:+--force}
        [[ $(echo all.jsonl*) == all.jsonl ]] || fail "left behind: $(echo all.jsonl*)"
        grep -q joinly_dump_end all.jsonl || fail "it is not whole"
        rm all.jsonl
    done
}

load_interrupted() {
    local code=0
    players $many >players.jsonl
    mkfifo pipe
    env --default-signal=INT "$joinly" load sqlite:db pipe --raw-kind raw --raw-kind config 2>err &
    exec 3>pipe
    head -n 14000 players.jsonl >&3
    kill -s INT $!
    tail -n +14001 players.jsonl >&3 || true
    exec 3>&-
    wait $! || code=$?
    ((code == 130)) || fail "exit code $code" "$(cat err)"
    messages "joinly load sqlite:db pipe --existing skip --raw-kind raw --raw-kind config"
    expect 0 load db players.jsonl --existing skip
    has_players db $many
}

migrate_interrupted() {
    local signal code
    players $many | "$joinly" load sqlite:db 2>err
    for signal in INT KILL; do
        code=0
        env --default-signal=INT "$joinly" migrate db leveldb+json:dir --raw-kind raw 2>err &
        until_there 'dir/CURRENT'
        kill -s $signal $!
        wait $! 2>/dev/null || code=$?
        ((code == 128 + $(kill -l $signal))) || fail "exit code $code after $signal" "$(cat err)"
        [[ $signal == KILL ]] || messages "the same command goes on: joinly migrate db leveldb+json:dir --raw-kind raw"
        expect 0 migrate db leveldb+json:dir
        has_players dir $many
        same_records db dir
        rm -rf dir
    done
}

# Nothing was written, and the command that goes on is no other than the one that was interrupted.
dry_run_interrupted() {
    local code=0
    players $many | "$joinly" load sqlite:db 2>err
    env --default-signal=INT "$joinly" migrate db leveldb+json:dir --dry-run 2>err &
    until_there 'joinly-*/dry_run/CURRENT'
    kill -s INT $!
    wait $! || code=$?
    ((code == 130)) || fail "exit code $code" "$(cat err)"
    messages "interrupted: nothing was written; run the same command again"
    ! grep -qF "joinly migrate" err || fail "it says to do what is no dry run" "$(cat err)"
    ! compgen -G 'joinly-*' || fail "left behind"
    [[ ! -e dir ]] || fail "the dry run has made something"
}

# --- backup and restore

backs_up_and_restores() {
    local made
    expect 0 backup "$1" backups
    made=$(cat out)
    [[ -e $made/manifest.json ]] || fail "there is no backup at '$made'"
    messages "3 records"
    "$joinly" erase "$1" player:ada
    "$joinly" put "$1" player:new '{}'
    expect 0 restore "$made" "$1"
    messages "what was there is now at"
    expect 0 ls "$1"
    outputs $'lobby:1\nnote\nplayer:ada'
    expect 0 restore "$made" "${1%%:*}:copy" --json
    json_holds 'rows[0]["records"] == 3 and rows[0]["replaced"] == ""'
    same_records "$1" "${1%%:*}:copy"
    expect 0 restore "$made" elsewhere  # what it is, the backup tells
    expect 0 backup "$1" backups --keep 1 --json
    json_holds 'rows[0]["records"] == 3 and rows[0]["removed"] == 1'
    expect 2 restore "$made" "$1"
    messages "no backup is there"
    expect 2 restore "$(echo backups/*)" "$([[ $1 == sqlite:* ]] && echo leveldb || echo sqlite):other"
    expect 2 backup "$1" backups --name 'No Name'
    expect 2 backup "${1%%:*}:missing" backups
    messages "there is no store at"
    rm -rf backups copy elsewhere
}

# What was there is put aside with its journal, whose bytes a restore does not look at; or removed.
restores_beside_a_journal_and_discards() {
    local made
    made=$("$joinly" backup "$1" backups 2>err)
    mkdir journal
    echo "of a program's" >journal/0000000001.segment
    expect 0 restore "$made" "$1" --journal journal --json
    json_holds 'rows[0]["replaced"].endswith("/database") and rows[0]["replaced_journal"].endswith("/journal")'
    [[ ! -e journal ]] || fail "the journal is still there"
    [[ $(cat "${1#*:}".restore-*/journal/0000000001.segment) == "of a program's" ]] || fail "it is not what it was"
    rm -rf "${1#*:}".restore-*
    mkdir journal
    expect 0 restore "$made" "$1" --journal journal --discard
    ! grep -qF "is now at" err || fail "it has kept something" "$(cat err)"
    ! compgen -G '*.restore-*' || fail "left behind"
    [[ ! -e journal ]] || fail "the journal is still there"
    rm -rf backups
}

refuses_a_damaged_backup() {
    local made
    expect 0 backup "$1" backups
    made=$(cat out)
    "$joinly" put "$1" player:new '{}'
    sed -i 's/"version": *[0-9]/&1/' "$made/manifest.json"
    expect 1 restore "$made" "$1"
    messages "manifest.json"
    expect 0 get "$1" player:new
    rm -rf backups
}

backup_interrupted() {
    local code=0
    players $many | "$joinly" load sqlite:db 2>err
    env --default-signal=INT "$joinly" backup db backups >out 2>err &
    until_there 'backups/*.partial*'
    kill -s INT $!
    wait $! || code=$?
    ((code == 130)) || fail "exit code $code" "$(cat err)"
    messages "interrupted"
    [[ -z $(ls backups) ]] || fail "left behind: $(ls backups)"
    expect 0 backup db backups
    has_players db $many
}

restore_interrupted() {
    local code=0 made
    players $many | "$joinly" load sqlite:db 2>err
    made=$("$joinly" backup db backups 2>err)
    "$joinly" put db note "before the restore"
    env --default-signal=INT "$joinly" restore "$made" db 2>err &
    until_there 'db.restore-*/database'
    kill -s INT $!
    wait $! || code=$?
    ((code == 130)) || fail "exit code $code" "$(cat err)"
    messages "interrupted: sqlite:db is as it was; run the same command again"
    ! compgen -G 'db.restore-*' || fail "left behind"
    expect 0 get db note
    expect 0 restore "$made" db
    has_players db $many
    expect 1 get db note
}

# --- damage

# Overwrites the stored name of a player: a byte in the one file that has it.
damage() {
    python3 - "$1" "$2" <<'END'
import pathlib, sys
for file in pathlib.Path(sys.argv[1]).rglob("*") if pathlib.Path(sys.argv[1]).is_dir() else [pathlib.Path(sys.argv[1])]:
    bytes = file.read_bytes()
    at = bytes.find(sys.argv[2].encode())
    if at >= 0:
        file.write_bytes(bytes[:at] + b"?" + bytes[at + 1:])
        sys.exit(0)
sys.exit("there is no such byte")
END
}

verifies() {
    expect 0 verify "$1"
    messages "sound: 3 records"
    outputs ""
    expect 0 verify "$1" --json
    json_holds 'rows[0]["sound"] and rows[0]["flaws"] == [] and rows[0]["kinds"]["player"] == 1'
    expect 0 verify "$1" --quick
    expect 2 verify "${1%%:*}:missing"
}

# A store that is so damaged that it does not open is damage to every command, and not something that could not be done.
exits_1_on_a_store_that_damage_keeps_shut() {
    "$joinly" put sqlite:db note hello 2>err
    "$joinly" put leveldb:dir note hello 2>err
    python3 -c 'with open("db", "r+b") as file: file.seek(100); file.write(b"\xee" * 3996)'  # the schema
    rm dir/CURRENT
    "$joinly" put sqlite:sound note hello 2>err
    "$joinly" dump sound dump.jsonl 2>err
    for store in sqlite:db leveldb:dir; do
        for command in info ls "get note" stats dump sweep "erase note" "put note hello" verify "backup backups" "load dump.jsonl" \
            "migrate sqlite:new"; do
            expect 1 ${command%% *} $store ${command#"${command%% *}"}
            messages "joinly: "
        done
        expect 1 migrate sound $store
    done
    expect 1 query db 'SELECT 1'
    [[ ! -e new ]] || fail "migrate has made a store"
}

tells_damage_and_repairs_sqlite() {
    for name in Ada Bob Eve; do "$joinly" put sqlite:db player:$name "{\"username\": \"name of $name\"}" 2>err; done
    damage db "name of Bob"
    expect 1 verify db
    says "player:Bob"
    expect 1 verify db --json
    json_holds 'not rows[0]["sound"] and rows[0]["flaws"][0]["key"] == "player:Bob" and rows[0]["flaws"][0]["code"] == "corrupt"'
    expect 1 get db player:Bob
    expect 1 dump db
    expect 1 backup db backups
    expect 2 repair db
    messages "say where to"
    expect 1 repair db saved
    outputs player:Bob
    messages "1 is lost"
    expect 0 verify saved
    expect 0 ls saved
    outputs $'player:Ada\nplayer:Eve'
    expect 2 repair db saved
    expect 0 repair saved saved_again --json
    json_holds 'rows[0]["records"] > 0 and rows[0]["lost"] == 0'
}

verify_interrupted() {
    local code=0
    players $many | "$joinly" load sqlite:db 2>err
    env --default-signal=INT "$joinly" verify db >out 2>err &
    until_heeded
    kill -s INT $!
    wait $! || code=$?
    ((code == 130)) || fail "exit code $code" "$(cat err)"
    messages "interrupted: not everything was looked at; run the same command again"
    outputs ""
}

tells_damage_and_repairs_leveldb() {
    players 3 | "$joinly" load leveldb:dir 2>err
    expect 0 verify dir
    rm dir/CURRENT
    expect 1 verify dir
    messages "repair"
    expect 2 repair dir elsewhere
    expect 0 repair dir
    expect 0 verify dir
    has_players dir 3
    rm -r dir
    for name in Ada Bob; do "$joinly" put leveldb:dir player:$name "{\"username\": \"name of $name\"}" 2>err; done
    damage dir "name of Ada"  # and with it goes what says that there is an index
    expect 1 repair dir
    messages ".ldb: Corruption: block checksum mismatch"
    messages "what was there is not known"
    messages "the indexes of player were built anew"
    expect 0 verify dir
    expect 0 ls dir
    outputs player:Bob
    expect 0 repair dir --json
    json_holds 'rows[0]["into"] == "leveldb:dir" and rows[0]["records"] == 2 and rows[0]["lost"] == 0 and rows[0]["gaps"] == []'
    rm dir/*.ldb
    expect 1 repair dir --json
    json_holds 'any("it is missing; it had keys from" in gap for gap in rows[0]["gaps"]) and rows[0]["may_lack_names"]'
}

sql() { python3 -c 'import sqlite3, sys; db = sqlite3.connect(sys.argv[1]); db.execute(sys.argv[2]); db.commit()' "$@"; }
list_of_players="CAST(x'00' || 'dplayer' AS BLOB)"  # its key

# The list of a kind's indexes keeps a store shut when it is damaged, and keeps nobody from looking at what else there is.
verifies_and_repairs_a_store_that_a_damaged_list_of_indexes_keeps_shut() {
    for name in Ada Bob Eve; do "$joinly" put sqlite:db player:$name "{\"username\": \"name of $name\"}" 2>err; done
    sql db "UPDATE record SET checksum = checksum + 1 WHERE key IN ($list_of_players, CAST('player:Bob' AS BLOB))"
    expect 1 verify db
    says "it lists the indexes of 'player'"
    says "joinly repair leaves it out"
    says "player:Bob"
    messages "2 flaws; 2 records are sound"
    expect 1 verify db --json
    json_holds 'sorted(flaw["key"] for flaw in rows[0]["flaws"]) == ["\\x00dplayer", "player:Bob"] and rows[0]["kinds"] == {"player": 2}'
    expect 1 repair db saved
    messages "the indexes of player were built anew"
    messages "2 are lost"
    expect 0 verify saved
    expect 1 repair db saved_again --json
    json_holds 'rows[0]["rebuilt"] == ["player"]'
}

builds_indexes_that_are_not_whole() {
    for name in Ada Bob; do "$joinly" put sqlite:db player:$name "{\"username\": \"name of $name\"}" 2>err; done
    expect 0 reindex db
    messages "there was nothing to do"
    sql db "DELETE FROM record WHERE key = $list_of_players"  # as if a program had written that knew no indexes
    expect 1 verify db
    messages "1 flaw; 2 records are sound. None of them is damage; joinly reindex db makes indexes whole"
    expect 0 reindex db --json
    json_holds 'rows == [{"store": "db", "rebuilt": ["player"]}]'
    expect 0 verify db
    damage db "name of Bob"
    sql db "DELETE FROM record WHERE key = $list_of_players"
    expect 1 reindex db
    messages "player:Bob"
}

# smash <file>: what is in its middle, a tenth of it.
smash() {
    python3 -c 'import os, sys
with open(sys.argv[1], "r+b") as file:
    size = os.path.getsize(sys.argv[1]); file.seek(size // 2); file.write(b"\xee" * (size // 10))' "$1"
}

# A root that may write anywhere is made one that may not.
says_what_to_do_where_sqlite_may_not_write() {
    mkdir locked
    "$joinly" put sqlite:locked/db note hello 2>err
    if ((EUID == 0)); then
        printf '#!/bin/sh\nexec setpriv --bounding-set -dac_override "%s" "$@"\n' "$joinly" >plain
        chmod +x plain
        joinly=$work/plain
    fi
    for command in "ls locked/db" "stats locked/db" "backup locked/db backups" "put locked/db note again"; do
        chmod a-w locked
        expect 2 $command
        chmod u+w locked
        messages "SQLite writes -wal and -shm files beside it: run this as a user who may do that there, or on a copy"
    done
    expect 0 get locked/db note
    outputs hello
}

# Of a store that opens all the same.
names_its_own_command_where_an_engine_meets_damage() {
    players 3000 | tee players.jsonl | "$joinly" load sqlite:db 2>err
    smash db
    expect 1 dump db
    messages "malformed"
    messages "joinly repair"
    "$joinly" load leveldb:dir players.jsonl 2>err
    rm dir/CURRENT
    expect 0 repair dir  # which makes a table of the log
    smash dir/*.ldb
    expect 1 dump dir
    messages "block checksum mismatch"
    messages "joinly repair or LevelDbBackend::repair with the path"
}

# The codec is told by the first record that can be read.
reads_around_a_damaged_first_record() {
    for name in Ada Bob Eve; do "$joinly" put sqlite+json:db player:$name "{\"username\": \"name of $name\"}" 2>err; done
    damage db "name of Ada"
    expect 1 verify db
    says "player:Ada"
    messages "1 flaw; 2 records are sound. Restore a backup, or see joinly repair --help for db"
    expect 0 get db player:Bob --raw
    says '"username":"name of Bob"'
    expect 1 info db
    messages "player:Ada"
    expect 1 get db player:Ada
    messages "player:Ada"
    expect 1 dump db
    expect 0 put db player:Ada '{"username": "new"}'
    expect 0 verify db
    for name in new Bob Eve; do damage db "$name"; done
    expect 1 verify db
    messages "3 flaws; 0 records"
}

# record <key> <value>: a line of a dump, which puts the bytes as they are where the kind has no indexes.
record() { printf '{"key":"%s","version":99,"value_base64":"%s"}\n' "$1" "$(printf "$2" | base64 -w0)"; }

# A store keeps one codec; what is written in the other one is damage, as it is to Python and C++.
refuses_records_of_the_other_codec() {
    local codec other binary='\x0a\x01b'
    for codec in binary json; do
        other=$([[ $codec == json ]] && echo binary || echo json)
        "$joinly" put sqlite+$codec:$codec queue:a '{}' 2>err
        record queue:b "$([[ $other == json ]] && echo '{"queue_id":"b"}' || echo "$binary")" | "$joinly" load $codec 2>err
        expect 0 get $codec queue:a
        expect 1 get $codec queue:b
        messages "queue:b: it is written in $other, and the store keeps $codec"
        expect 0 get $codec queue:b --raw
        expect 1 verify $codec --json
        json_holds '[flaw["key"] for flaw in rows[0]["flaws"]] == ["queue:b"] and rows[0]["flaws"][0]["code"] == "corrupt"'
        expect 0 dump $codec
        json_holds '"value" in rows[-3] and "value_base64" in rows[-2]'  # the bytes, as of a kind that is not known
        expect 1 migrate $codec leveldb+$other:moved
        expect 0 put $codec queue:b '{}'
        expect 0 verify $codec
        rm -rf moved
    done
}

# What none of its records tells it asks for, instead of making another codec of it.
asks_for_the_codec_where_all_records_are_damaged() {
    "$joinly" put sqlite+json:db player:Ada '{"username": "name of Ada"}' 2>err
    damage db "name of Ada"
    expect 1 put db player:Bob '{}'
    messages "which codec the store keeps cannot be told; name it: sqlite+json:db or +binary"
    expect 0 put sqlite+json:db player:Ada '{}'
    expect 0 info db
    says "codec         json"
    expect 0 verify db
}

tells_records_of_a_newer_build_from_damage() {
    "$joinly" put sqlite:db queue:a '{}' 2>err
    record queue:new '\xb0\xa3\x09\x02' | "$joinly" load db 2>err  # version 2 of the description
    expect 1 verify db
    messages "None of them is damage; records of a newer build are left as they are, and cannot be checked by this one"
    ! grep -qF reindex err || fail "it says to rebuild indexes" "$(cat err)"
}

# What is sound is listed and counted.
looks_past_damaged_records() {
    local name
    for name in Ada Bob Eve; do "$joinly" put sqlite:db player:$name "{\"username\": \"name of $name\"}" 2>err; done
    sql db "UPDATE record SET checksum = checksum + 1 WHERE key IN ($list_of_players, CAST('player:Ada' AS BLOB))"
    expect 1 ls db
    outputs $'player:Bob\nplayer:Eve'
    messages "skipped: the record of key 'player:Ada' does not match its checksum"
    expect 0 ls db --after player:Ada --limit 1
    outputs player:Bob
    expect 1 info db
    says "kinds         player"
    messages "player:Ada"
    expect 1 stats db --json
    json_holds 'rows[0]["kinds"]["player"]["records"] == 2'
    messages "player:Ada"
    expect 0 query db "SELECT count(*) AS n FROM record WHERE key >= x'01'" --json
    json_holds 'rows == [{"n": 3}]'
}

stats_interrupted() {
    local code=0
    players $((5 * many)) | "$joinly" load sqlite:db 2>err
    env --default-signal=INT "$joinly" stats db >out 2>err &
    until_heeded
    kill -s INT $!
    wait $! || code=$?
    ((code == 130)) || fail "exit code $code" "$(cat err)"
    messages "interrupted: not everything was counted; run the same command again"
    outputs ""
}

# LevelDB cannot be told to stop: what it was doing is done by the next one.
leveldb_repair_interrupted() {
    local code=0 tries
    players $((3 * many)) | "$joinly" load leveldb:dir 2>err
    for ((tries = 0; code == 0 && tries < 20; ++tries)); do  # it may come to its end before it is told
        rm dir/CURRENT
        env --default-signal=INT "$joinly" repair dir >out 2>err &
        until_heeded
        kill -s INT $! 2>/dev/null || true
        wait $! || code=$?
    done
    ((code == 130)) || fail "exit code $code" "$(cat err)"
    messages "interrupted: nothing is lost, but until the repair is done the store may not open; run the same command again"
    expect 0 repair dir
    expect 0 verify dir
    has_players dir $((3 * many))
}

# What it has half made is gone; killed, the next one removes it.
repair_interrupted() {
    local signal code
    players $many | "$joinly" load sqlite:db 2>err
    for signal in INT KILL; do
        code=0
        env --default-signal=INT "$joinly" repair db saved 2>err &
        until_there 'saved.salvage-*/fresh'
        kill -s $signal $!
        wait $! 2>/dev/null || code=$?
        ((code == 128 + $(kill -l $signal))) || fail "exit code $code after $signal" "$(cat err)"
        if [[ $signal == INT ]]; then
            messages "interrupted: nothing is at sqlite:saved; run the same command again"
            ! compgen -G 'saved*' || fail "left behind"
        fi
    done
    expect 0 repair db saved
    [[ $(echo saved*) == saved ]] || fail "left behind: $(echo saved*)"
    same_records db saved
}

shows_how_far_it_is_on_a_terminal() {
    players $many >players.jsonl
    script -qec "'$joinly' load sqlite:db players.jsonl" /dev/null >screen
    grep -q $'\rloading.*\[#*\.*\].* %' screen || fail "no bar: $(cat -v screen)"
    script -qec "'$joinly' dump db players.jsonl --force" /dev/null >screen
    grep -q $'\rdumping.*\[#*\.*\].* of 20,000' screen || fail "no bar: $(cat -v screen)"
    "$joinly" dump db >/dev/null 2>err
    [[ $(cat err) == "dumped "* ]] || fail "not silent: $(cat -v err)"
}

case $case in
    gives_back_what_it_took | tells_what_is_there | exits_1_when_the_answer_is_no | exits_2_when_it_cannot_be_done | \
        takes_any_bytes | takes_a_dash_for_stdin_and_stdout | restores_beside_a_journal_and_discards | sweeps_what_has_expired | \
        dumps_and_loads | migrates | refuses_to_migrate_a_store_into_itself | leaves_nothing_half_made_on_a_full_disk | \
        backs_up_and_restores | refuses_a_damaged_backup | verifies) each_store "$case" ;;
    does_not_make_what_is_missing | refuses_what_makes_no_sense | helps | answers_sql | refuses_what_is_no_store | \
        tells_of_output_that_is_lost | measures | bench_interrupted | dump_interrupted | dump_killed | load_interrupted | \
        migrate_interrupted | dry_run_interrupted | backup_interrupted | tells_damage_and_repairs_sqlite | \
        tells_damage_and_repairs_leveldb | reads_around_a_damaged_first_record | leveldb_repair_interrupted | \
        repair_interrupted | restore_interrupted | verify_interrupted | sweep_interrupted | \
        verifies_and_repairs_a_store_that_a_damaged_list_of_indexes_keeps_shut | builds_indexes_that_are_not_whole | \
        names_its_own_command_where_an_engine_meets_damage | refuses_records_of_the_other_codec | \
        says_what_to_do_where_sqlite_may_not_write | \
        asks_for_the_codec_where_all_records_are_damaged | tells_records_of_a_newer_build_from_damage | \
        looks_past_damaged_records | stats_interrupted | \
        sweep_leaves_what_is_damaged | exits_1_on_a_store_that_damage_keeps_shut | shows_how_far_it_is_on_a_terminal) "$case" ;;
    *) fail "no such case: $case" ;;
esac
