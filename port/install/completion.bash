# SPDX-License-Identifier: MIT
#
# Words for bash to complete the mailmote command with.

_mailmote() {
    local now=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD - 1]} command=${COMP_WORDS[1]}
    local relay='--relay --mx --tls --trust --pin --tls-name --user --password-file --token-file --helo --timeout -v --verbose'
    local kept='--spool -C --config -a --account --help'
    local words=

    COMPREPLY=()
    case $before in
    --trust | --password-file | --token-file | --attach | --html | -C | --config | --dnssec-anchor)
        compopt -o filenames
        mapfile -t COMPREPLY < <(compgen -f -- "$now")
        return
        ;;
    --spool)
        compopt -o filenames
        mapfile -t COMPREPLY < <(compgen -d -- "$now")
        return
        ;;
    --tls) words='starttls implicit' ;;
    --priority) words='high normal low' ;;
    --show | --delete) words=$(mailmote queue 2>/dev/null | cut -f 1 | sort -u) ;;
    --relay | --pin | --tls-name | --user | --helo | --timeout | --from | --subject | --name | --cc | --bcc | --reply-to | -a | --account)
        return
        ;;
    *)
        case $command in
        "$now") words='send flush queue trust probe --help --version' ;;
        send) words="$relay $kept --from --name --subject --cc --bcc --reply-to --priority --attach --html --raw --background" ;;
        flush) words="$relay $kept --now" ;;
        queue) words="$kept --show --delete" ;;
        trust)
            words='--pin --probe --help'
            if [[ " ${COMP_WORDS[*]} " == *' --probe '* ]]; then
                words='--pin --trust --tls --tls-name --help'
            elif [[ $now != -* ]]; then
                compopt -o filenames
                mapfile -t COMPREPLY < <(compgen -f -- "$now")
                return
            fi
            ;;
        probe)
            words='--mx --trust --tls --tls-name --json --help'
            if [[ " ${COMP_WORDS[*]} " == *' --mx '* ]]; then
                words='--config --account --dnssec-anchor --help'
            fi
            ;;
        esac
        ;;
    esac
    mapfile -t COMPREPLY < <(compgen -W "$words" -- "$now")
}

complete -F _mailmote mailmote
