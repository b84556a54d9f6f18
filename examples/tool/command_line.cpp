#include "command_line.hpp"

#include <joinly/version.hpp>

#include <CLI/CLI.hpp>

#include <cstdio>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "commands.hpp"

namespace tool {
namespace {

constexpr std::string_view first_page =
#include "help.txt"
    ;

constexpr const char* about_store = "sqlite:FILE or leveldb:DIRECTORY, or the path alone of what is there";
constexpr const char* about_raw_kind = "Records of this kind are bytes, and no entities; may be given again";
constexpr const char* about_key = "kind:id, or any other key; \\xNN stands for a byte";

/// CLI11 takes -1 for the largest number there is.
std::string why_no_count(const std::string& text) { return text.starts_with('-') ? text + " is no count" : ""; }

template <class Options>
struct Command {
    CLI::App& app;
    Options& options;
};

/// The commands. Those of one group lie together in commands.hpp, and here.
class CommandLine {
public:
    CommandLine() {
        app_.name("joinly");
        app_.formatter_fn([](const CLI::App*, std::string, CLI::AppFormatMode) { return std::string{first_page.substr(1)}; });
        app_.set_version_flag("--version", "joinly " + version_text());
        app_.require_subcommand(1);
        add_reading();
        add_changing();
        add_moving();
        add_keeping();
        add_bench();
    }

    Parsed parse(int argc, char** argv) {
        std::vector<std::string> arguments(argv + 1, argv + argc);
        if (!arguments.empty() && arguments.front() == "help") {  // "help get" is "get --help"
            arguments.erase(arguments.begin());
            arguments.push_back("--help");
        }
        if (arguments.empty()) return refuse(std::string{first_page.substr(1)});
        const std::string& name = arguments.front();
        const auto has_name = [&](const CLI::App* command) { return command->get_name() == name; };
        if (!name.starts_with('-') && app_.get_subcommands(has_name).empty())
            return refuse("joinly: there is no command '" + name + "'; joinly --help lists them\n");
        const std::string hint = name.starts_with('-') ? "joinly --help" : "joinly " + name + " --help";
        try {
            app_.parse(std::vector<std::string>(arguments.rbegin(), arguments.rend()));
        } catch (const CLI::Success& help) {
            parsed_.exit_code = app_.exit(help);
        } catch (const CLI::ParseError& error) {
            return refuse("joinly: " + std::string{error.what()} + "\nSee " + hint + '\n');
        }
        return std::move(parsed_);
    }

private:
    static std::string version_text() {
        return std::to_string(JOINLY_VERSION_MAJOR) + '.' + std::to_string(JOINLY_VERSION_MINOR) + '.' +
               std::to_string(JOINLY_VERSION_PATCH);
    }
    static Parsed refuse(const std::string& text) {
        std::fputs(text.c_str(), stderr);
        return {nullptr, false, static_cast<int>(Exit::failed)};
    }

    template <class Options>
    Command<Options> add(const char* name, const std::string& about, const std::string& examples,
                         Exit (*run)(const Options&, Console&)) {
        const auto options = std::make_shared<Options>();
        CLI::App& command = *app_.add_subcommand(name, about);
        command.formatter(std::make_shared<CLI::Formatter>());
        command.get_formatter()->column_width(22);
        command.get_formatter()->label("REQUIRED", "");
        for (const char* type : {"TEXT", "UINT", "TEXT:FILE"}) command.get_formatter()->label(type, "");
        command.footer("Examples:\n" + examples);
        command.add_flag("--json", parsed_.json, "One JSON object a line");
        command.callback(
            [this, options, run] { parsed_.run = [options, run](Console& console) { return run(*options, console); }; });
        return {command, *options};
    }

    void add_reading() {
        const auto info =
            add("info", "What a store is: its codec, its size, the kinds of records in it. Quick, however large it is.",
                "  joinly info sqlite:joinly.db\n"
                "  joinly info players --json         a directory: LevelDB's",
                tool::info);
        info.app.add_option("STORE", info.options.store, about_store)->required();

        const auto get = add("get", "Prints records: JSON for the kinds that are known, bytes as they are otherwise.",
                             "  joinly get sqlite:joinly.db player:ada\n"
                             "  joinly get joinly.db player:ada lobby:1 --json     with version and expiry\n"
                             "  joinly get joinly.db avatar:ada > ada.png",
                             tool::get);
        get.app.add_option("STORE", get.options.store, about_store)->required();
        get.app.add_option("KEY", get.options.keys, about_key)->required();
        get.app.add_flag("--raw", get.options.raw, "The bytes as they are stored, instead of JSON");

        const auto ls = add("ls", "Lists keys in the order of their bytes; expired ones are left out.",
                            "  joinly ls sqlite:joinly.db\n"
                            "  joinly ls joinly.db player: --limit 100\n"
                            "  joinly ls joinly.db player: --limit 100 --after player:zoe     the next hundred\n"
                            "  joinly ls -l joinly.db lobby:     version, bytes, end (UTC), key",
                            tool::ls);
        ls.app.add_option("STORE", ls.options.store, about_store)->required();
        ls.app.add_option("PREFIX", ls.options.prefix, "Only keys that begin so; \"player:\" for all players");
        ls.app.add_flag("-l,--details", ls.options.details, "Version, bytes of the value, when it expires, key");
        ls.app.add_option("--after", ls.options.after, "Begin behind this key");
        ls.app.add_option("--limit", ls.options.limit, "So many at most")->check(why_no_count);

        const auto stats = add("stats", "Counts records and bytes by kind. Reads everything once.",
                               "  joinly stats sqlite:joinly.db\n"
                               "  joinly stats joinly.db --json | jq .kinds.player.records",
                               tool::stats);
        stats.app.add_option("STORE", stats.options.store, about_store)->required();

        const auto query =
            add("query",
                "Runs one SQL statement that reads; it can change nothing, and touch no other file. Records are in the table\n"
                "record(key, value, version, expires_at); with JSON in them also in one view for each kind (--views).",
                "  joinly query sqlite:joinly.db \"SELECT count(*) FROM record WHERE key >= x'01'\"\n"
                "  joinly query readable.db --views 'SELECT username, skill_rating FROM player ORDER BY 2 DESC LIMIT 10'\n"
                "  joinly query readable.db \"SELECT value ->> 'username' FROM record WHERE key >= CAST('player:' AS BLOB)\"",
                tool::query);
        query.app.add_option("STORE", query.options.store, about_store)->required();
        query.app.add_option("SQL", query.options.sql, "The statement")->required();
        query.app.add_option("--timeout", query.options.timeout, "How long it may take")->capture_default_str();
        query.app.add_flag("--views", query.options.views, "Make the views first, if they are not there: the one thing written");
    }

    void add_changing() {
        const auto put =
            add("put",
                "Saves a record, replacing what was there. The value is JSON for the kinds that are known, and any bytes\n"
                "otherwise. A store that is not there yet is made.",
                "  joinly put sqlite:joinly.db player:ada '{\"username\": \"Ada\", \"skill_rating\": 1200}'\n"
                "  joinly put sqlite+json:readable.db player:ada '{}'      a store that keeps JSON\n"
                "  joinly put joinly.db avatar:ada < ada.png\n"
                "  joinly put joinly.db lobby:1 '{\"max_players\": 4}' --ttl 2h\n"
                "  joinly put joinly.db player:ada '{}' --expect absent    only if there is none; else exit code 1",
                tool::put);
        put.app.add_option("STORE", put.options.store, about_store)->required();
        put.app.add_option("KEY", put.options.key, about_key)->required();
        put.app.add_option("VALUE", put.options.value, "The value; without it, or -, what stdin has");
        put.app.add_option("--ttl", put.options.ttl, "The record expires after so long: 90s, 30m, 24h, 7d");
        put.app.add_option("--expect", put.options.expect, "Only if it is at this version, or \"absent\"");

        const auto erase = add("erase", "Erases records. Exit code 1 when one of them was not there; the others are erased.",
                               "  joinly erase sqlite:joinly.db player:ada lobby:1\n"
                               "  joinly erase joinly.db player:ada --expect 42     only if nobody has changed it since\n"
                               "  joinly ls joinly.db lobby:test_ | xargs -d '\\n' joinly erase joinly.db",
                               tool::erase);
        erase.app.add_option("STORE", erase.options.store, about_store)->required();
        erase.app.add_option("KEY", erase.options.keys, about_key)->required();
        erase.app.add_option("--expect", erase.options.expect, "Only if it is at this version");

        const auto sweep = add("sweep", "Erases the records that have expired, and prints their keys.",
                               "  joinly sweep sqlite:joinly.db\n"
                               "  joinly sweep joinly.db > /dev/null     their number alone, on stderr",
                               tool::sweep);
        sweep.app.add_option("STORE", sweep.options.store, about_store)->required();
    }

    void add_moving() {
        const auto dump =
            add("dump",
                "Writes everything as text, one JSON line a record: to be read, searched, compared, and loaded into any\n"
                "other store. A file gets its name when it is whole.",
                "  joinly dump sqlite:joinly.db players.jsonl\n"
                "  joinly dump joinly.db | zstd > joinly.jsonl.zst\n"
                "  joinly dump joinly.db | grep '^{\"key\":\"player:' > players.jsonl",
                tool::dump);
        dump.app.add_option("STORE", dump.options.store, about_store)->required();
        dump.app.add_option("FILE", dump.options.file, "Where to; without it, or -, to stdout");
        dump.app.add_flag("--force", dump.options.force, "Replace a file that is there");

        const auto load =
            add("load",
                "Puts what a dump holds into a store, which is made if it is not there. Into an empty store records go as they\n"
                "were, with their versions.",
                "  joinly load leveldb:players players.jsonl\n"
                "  joinly dump joinly.db | joinly load sqlite+json:readable.db\n"
                "  joinly load joinly.db players.jsonl --existing skip     after an interruption, to go on",
                tool::load);
        load.app.add_option("STORE", load.options.store, about_store)->required();
        load.app.add_option("FILE", load.options.file, "Where from; without it, or -, from stdin");
        load.app
            .add_option("--existing", load.options.existing,
                        "What becomes of a record that is there already: refuse, overwrite, skip")
            ->capture_default_str();
        load.app.add_option("--raw-kind", load.options.raw_kinds, about_raw_kind)->allow_extra_args(false);

        const auto migrate =
            add("migrate",
                "Copies everything into another store, between backends and codecs: versions and expiry too. Then reads both\n"
                "again and compares. Stopped at any point, the same command goes on.",
                "  joinly migrate sqlite:joinly.db leveldb:players\n"
                "  joinly migrate joinly.db sqlite+json:readable.db      binary to JSON\n"
                "  joinly migrate joinly.db leveldb+zstd:small           compressed\n"
                "  joinly migrate joinly.db sqlite+json:readable.db --dry-run",
                tool::migrate);
        migrate.app.add_option("FROM", migrate.options.from, about_store)->required();
        migrate.app
            .add_option("TO", migrate.options.into, "An empty store, or one to be made; the codec is FROM's unless it is named")
            ->required();
        migrate.app.add_flag("--dry-run", migrate.options.dry_run,
                             "See whether everything can be read and converted, and write nothing");
        migrate.app.add_option("--raw-kind", migrate.options.raw_kinds, about_raw_kind)->allow_extra_args(false);
    }

    void add_keeping() {
        const auto backup =
            add("backup",
                "Copies a store, of one moment, while others use it; reads the copy again and compares; then gives it its name,\n"
                "which has the date and is printed. A program that has a LevelDB store open must make the backup itself.",
                "  joinly backup sqlite:joinly.db backups\n"
                "  joinly backup joinly.db backups --keep 7      the seven newest stay\n"
                "  joinly backup leveldb:players backups --name players",
                tool::backup);
        backup.app.add_option("STORE", backup.options.store, about_store)->required();
        backup.app.add_option("DIRECTORY", backup.options.directory, "Where backups are kept; made if it is not there")->required();
        backup.app.add_option("--name", backup.options.name, "What its name begins with")->capture_default_str();
        backup.app.add_option("--keep", backup.options.keep, "Remove older backups of that name but so many")->check(why_no_count);

        const auto restore =
            add("restore",
                "Brings a backup back. It is proved to be good before it takes the place of what is there, and that is kept\n"
                "beside it. Refused while somebody has the store open.",
                "  joinly restore backups/joinly-2026-11-29T22-56-04Z sqlite:joinly.db\n"
                "  joinly restore \"$(joinly backup joinly.db backups)\" sqlite:copy.db",
                tool::restore);
        restore.app.add_option("BACKUP", restore.options.backup, "A directory that backup made")->required();
        restore.app.add_option("STORE", restore.options.store, about_store)->required();
        restore.app.add_option("--journal", restore.options.journal,
                               "The directory of the store's write-behind journal, if it has one");
        restore.app.add_flag("--discard", restore.options.discard, "Remove what was there once the restored store has opened");

        const auto verify = add(
            "verify",
            "Reads everything: the engine's own check, checksums, whether every record of the kinds that are known decodes, and\n"
            "whether indexes agree. Flaws are data, one a line; exit code 1 when there are any.",
            "  joinly verify sqlite:joinly.db\n"
            "  joinly verify joinly.db --json | jq .flaws\n"
            "  joinly verify joinly.db && joinly backup joinly.db backups",
            tool::verify);
        verify.app.add_option("STORE", verify.options.store, about_store)->required();
        verify.app.add_flag("--quick", verify.options.quick, "Without the engine's own check of each record in each index");

        const auto repair = add(
            "repair",
            "For damage, when there is no backup to restore. Of an SQLite store a new one is made of every record that can be\n"
            "read, and the damaged one stays as it is. A LevelDB store is repaired in its place: copy the directory before. The\n"
            "keys of records that are known to be lost are printed; what could not be read otherwise is a message. Exit code 1\n"
            "when anything is lost, or may be. Last, indexes that are not whole are built anew.",
            "  joinly repair sqlite:damaged.db sqlite:saved.db\n"
            "  cp -r players players.damaged && joinly repair leveldb:players",
            tool::repair);
        repair.app.add_option("STORE", repair.options.store, about_store)->required();
        repair.app.add_option("NEW", repair.options.into, "SQLite: where the new store goes");

        const auto reindex =
            add("reindex",
                "Builds the indexes of the kinds that are known where verify says that they do not cover everything, or do not\n"
                "agree. A repair does so as its last step.",
                "  joinly reindex sqlite:joinly.db\n"
                "  joinly reindex joinly.db && joinly verify joinly.db",
                tool::reindex);
        reindex.app.add_option("STORE", reindex.options.store, about_store)->required();
    }

    void add_bench() {
        const auto bench =
            add("bench",
                "Measures saves and loads of players, through this library and on the bare engine, each with one thread and\n"
                "fsynced, in a place that is removed afterwards. Most of what a single save takes is the disk's fsync.",
                "  joinly bench                        both backends, where temporary files go\n"
                "  joinly bench /data --backend sqlite     on the disk that counts\n"
                "  joinly bench --records 100000 --bytes 1000",
                tool::bench);
        bench.app.add_option("DIRECTORY", bench.options.directory,
                             "Where to make the directory for the work; without it: in $TMPDIR");
        bench.app.add_option("--backend", bench.options.backend, "Only this one: sqlite or leveldb");
        bench.app.add_option("--records", bench.options.records, "How many players")
            ->capture_default_str()
            ->check(CLI::Range(100, 10'000'000).description(""));
        bench.app.add_option("--bytes", bench.options.value_bytes, "Size of each, about")
            ->capture_default_str()
            ->check(CLI::Range(50, 1'000'000).description(""));
    }

    CLI::App app_;
    Parsed parsed_;
};

}  // namespace

Parsed parse_command_line(int argc, char** argv) { return CommandLine{}.parse(argc, argv); }

}  // namespace tool
