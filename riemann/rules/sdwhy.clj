; sdwhy.clj: whom to wake, for what systemd's units do. For Riemann 0.3.
;
; In riemann.config:
;
;   (include "/etc/riemann/sdwhy.clj")
;   (def email (mailer {:from "riemann@example.org"}))
;   (def pd (pagerduty {:service-key "..." :version :v2 :formatter sdwhy.rules/for-pagerduty}))
;   (periodically-expire 5)
;   (let [index (index)]
;     (streams
;       index                                  ; a silent host is noticed by its expiry
;       (sdwhy.rules/alerts
;         {:page    (async-queue! :page {:queue-size 1000} (:trigger pd))
;          :resolve (async-queue! :resolve {:queue-size 1000} (:resolve pd))
;          :tell    (async-queue! :tell {:queue-size 1000} (email "ops@example.org"))})))
;
; Each of the three is any stream: (slack {:account ... :token ...} {:channel "#ops"})
; does too. Without async-queue! a slow mail server holds up Riemann's answers to sdwhy.
; "riemann test /etc/riemann/riemann.config" runs the tests at the end of each part.
;
; An event of sdwhy has the service "systemd/UNIT", the severity as its state (ok,
; warning, critical) and these tags: systemd, action:..., cause:..., result:...,
; failure:..., root:..., auto-restart, crash-loop, no-job, replayed. Its attributes are
; keys of the event, as text: (:root_unit event), (:will_restart event).

(ns sdwhy.rules
  (:require [riemann.streams :refer :all]
            [riemann.test :refer [tests]]
            [riemann.time :refer [unix-time once!]]))

; --- The rules, and whom each concerns: change it here

(def whom
  "A page wakes somebody, what is told is read in the morning, a resolve ends a page.
  What is passed on has the name of its rule as :rule."
  {"crash-loop"   :page     ; it crashes again and again, or systemd refuses it another start
   "crash-down"   :page     ; it crashed, and does not come back by itself
   "start-failed" :page     ; a start or restart failed for good: after boot, upgrade, by timer or hand
   "failed"       :page     ; something else failed for good: a reload, an end for an unknown cause
   "dependency"   :page     ; a unit that it needs is not there, and nobody was paged for that one
   "silent"       :page     ; the host's heartbeat has expired
   "away"         :page     ; the host was to reboot, and is not back after 15 minutes
   "resolved"     :resolve  ; the unit, or the host, is back or was put away
   "healed"       :tell     ; it crashed, and came or comes back
   "unclean"      :tell     ; a stop timed out or was not clean, a job was canceled
   "killed"       :tell     ; somebody killed it (systemctl kill), and it stays down
   "leaving"      :tell     ; the host is silent because it was shut down
   "ailing"       :tell})   ; sdwhy gave up events: Riemann refused them, or the outbox is full

(def grace "Seconds that a dependent waits for its root cause, and late news for newer." 30)
(def late "Seconds after which news is late: a Riemann or sdwhy was down meanwhile." 300)
(def remind "Seconds after which a unit that still fails is paged for again." 3600)
(def reboot "Seconds that a host may take to reboot." 900)
(def most "Units, or event ids, that are remembered at most: half of them after that." 20000)

; --- What an event is about

(defn unit-event?
  "Is it an event about a unit? Expired ones are not: Riemann keeps host and service only."
  [event]
  (and (not= "expired" (:state event))
       (boolean (some #{"systemd"} (:tags event)))))

(defn has-tag?
  "Does the event have one of these tags?"
  [event & tags]
  (boolean (some (set tags) (:tags event))))

; --- Which rule

(defn quiet?
  "Deliberate or foreseen, and nothing failed for good: boot, shutdown, package upgrades,
  and what a person or an automation asked for. A failure of any of these is critical
  and is not quiet, but for those of a shutdown."
  [event]
  (or (has-tag? event "cause:shutdown")
      (and (not= "critical" (:state event))
           (has-tag? event "cause:boot" "cause:package" "cause:manual" "cause:automation"))))

(defn dependent?
  "Did it fail only because a unit that it needs did? Then that one has an event of its own.
  What was started, stopped or restarted along with another and failed by itself is none."
  [event]
  (has-tag? event "result:dependency"))

(defn rule-of
  "The rule that an event of a unit falls under, or nil for none."
  [event]
  (let [tag? (partial has-tag? event)
        critical (= "critical" (:state event))]
    (cond
      (not (unit-event? event)) nil
      (quiet? event) nil
      (and critical (dependent? event)) "dependency"
      (tag? "crash-loop") "crash-loop"
      (and critical (tag? "action:start" "action:restart")) "start-failed"
      (and critical (tag? "action:exit") (tag? "cause:manual")) "killed"
      (and critical (tag? "action:exit") (tag? "cause:crash")) "crash-down"
      critical "failed"
      (tag? "cause:crash") "healed"
      (and (tag? "action:start") (= "true" (:will_restart event))) "healed"
      (= "warning" (:state event)) "unclean"
      :else nil)))

(defn good-news?
  "Is the unit back, or put away on purpose? That ends a page."
  [event]
  (and (unit-event? event)
       (not= "critical" (:state event))
       (not (has-tag? event "crash-loop"))
       (has-tag? event "action:start" "action:restart" "action:reload" "action:stop" "action:reset")
       (has-tag? event "result:done")))

(tests
  (refer 'sdwhy.rules)
  (defn- event
    "An event as sdwhy sends it."
    [state unit tags & {:as more}]
    (merge {:host "web1" :service (str "systemd/" unit) :unit unit :state state :time 0 :ttl 3600
            :description (apply str unit " " (interpose " " tags)) :tags (into ["systemd"] tags)}
           more))

  (def crash-down (event "critical" "a.service" ["action:exit" "cause:crash" "result:failed" "failure:signal" "no-job"]
                         :will_restart "false" :exit_code "killed" :exit_signal "SIGSEGV" :exit_status "11"))
  (def healing (event "warning" "a.service" ["action:exit" "cause:crash" "result:failed" "failure:signal" "no-job"]
                      :will_restart "true"))
  (def healed (event "warning" "a.service" ["action:restart" "cause:crash" "result:done" "auto-restart"]))
  (def looping (event "warning" "a.service" ["action:exit" "cause:crash" "result:failed" "failure:exit-code" "crash-loop" "no-job"]
                      :will_restart "true"))
  (def looped (event "warning" "a.service" ["action:restart" "cause:crash" "result:done" "auto-restart" "crash-loop"]))
  (def refused (event "critical" "a.service" ["action:restart" "cause:crash" "result:failed" "failure:start-limit-hit" "auto-restart" "crash-loop"]
                      :failure "start-limit-hit" :will_restart "false"))
  (def boot-failed (event "critical" "b.service" ["action:start" "cause:boot" "result:failed" "failure:exit-code"]))
  (def upgrade-failed (event "critical" "b.service" ["action:restart" "cause:package" "result:failed" "failure:exit-code"]))
  (def timer-failed (event "critical" "backup.service" ["action:start" "cause:timer" "result:failed" "failure:exit-code"]
                           :trigger_unit "backup.timer" :trigger_relation "timer"))
  (def pulled-in (event "critical" "b.service" ["action:start" "cause:dependency" "result:failed" "failure:exit-code" "root:manual"]
                        :trigger_unit "c.service" :trigger_relation "Requires" :root_unit "c.service" :root_cause "manual"))
  (def reload-failed (event "critical" "a.service" ["action:reload" "cause:manual" "result:failed" "failure:exit-code"]))
  (def dependent (event "critical" "c.service" ["action:start" "cause:boot" "result:dependency"]
                        :failed_dependency_unit "b.service" :failed_dependency_relation "Requires"))
  (def bound (event "ok" "d.service" ["action:stop" "cause:dependency" "result:done" "root:crash"]
                    :trigger_unit "a.service" :trigger_relation "BindsTo" :root_unit "a.service" :root_cause "crash"))
  (def killed (event "critical" "a.service" ["action:exit" "cause:manual" "result:failed" "failure:signal" "no-job"]))
  (def retrying (event "warning" "b.service" ["action:start" "cause:timer" "result:failed" "failure:exit-code"] :will_restart "true"))
  (def slow-stop (event "warning" "a.service" ["action:stop" "cause:dependency" "result:done" "failure:timeout"]))
  (def by-hand (event "ok" "a.service" ["action:restart" "cause:manual" "result:done"]))
  (def by-robot (event "ok" "a.service" ["action:restart" "cause:automation" "result:done"]))
  (def upgraded (event "ok" "a.service" ["action:restart" "cause:package" "result:done"]))
  (def upgrading (event "warning" "a.service" ["action:stop" "cause:package" "result:done" "failure:exit-code"]))
  (def booted (event "ok" "a.service" ["action:start" "cause:boot" "result:done"]))
  (def down (event "warning" "a.service" ["action:stop" "cause:shutdown" "result:timeout" "failure:timeout"]))
  (def down-failed (event "critical" "a.service" ["action:start" "cause:shutdown" "result:failed" "failure:exit-code"]))
  (def reset (event "ok" "a.service" ["action:reset" "cause:manual" "result:done" "no-job"]))
  (def gone {:host "web1" :service "systemd/a.service" :state "expired" :time 4000})
  (def other {:host "web1" :service "cpu" :state "critical" :time 0 :tags []})

  (deftest rule-test
    (are [rule e] (= rule (rule-of e))
      "crash-down" crash-down, "crash-loop" refused, "crash-loop" looping, "crash-loop" looped
      "start-failed" boot-failed, "start-failed" upgrade-failed, "start-failed" timer-failed
      "start-failed" pulled-in, "failed" reload-failed, "dependency" dependent
      "healed" healing, "healed" healed, "healed" retrying, "killed" killed, "unclean" slow-stop))

  (deftest quiet-test
    (doseq [e [bound by-hand by-robot upgraded upgrading booted down down-failed reset gone other]]
      (is (nil? (rule-of e)) (:description e))))

  (deftest good-news-test
    (doseq [e [healed by-hand by-robot upgraded booted reset]] (is (good-news? e) (:description e)))
    (doseq [e [crash-down healing looped refused dependent gone other]] (is (not (good-news? e)) (:description e)))))

; --- Memory that has a bound. Riemann's (by) keeps what it splits by for ever, and
; transient units (run-u123.service) have no end.

(defn remember
  "Puts value at key, and forgets the half that was heard of longest ago when that is too much."
  [memory key value]
  (let [memory (assoc memory key (assoc value :heard (unix-time)))]
    (if (<= (count memory) most)
      memory
      (into {} (take-last (quot most 2) (sort-by (comp :heard val) memory))))))

(defn first-time
  "Passes each event once, by its event_id: sdwhy sends again what was not acknowledged."
  [& children]
  (let [seen (atom {})]
    (fn [event]
      (let [id (:event_id event)
            [before] (swap-vals! seen #(if (or (nil? id) (contains? % id)) % (remember % id {})))]
        (when-not (contains? before id)
          (call-rescue event children))))))

(defn at-most
  "Passes n events of each host and service in dt seconds, from the first of them."
  [n dt & children]
  (let [counts (atom {})
        now-of (fn [{:keys [from] :as entry}]
                 (if (and from (< (- (unix-time) from) dt)) entry {:from (unix-time) :passed 0}))]
    (fn [event]
      (let [id ((juxt :host :service) event)
            after (swap! counts #(remember % id (update (now-of (get % id)) :passed inc)))]
        (when (<= (:passed (get after id)) n)
          (call-rescue event children))))))

; --- Pages: one for an incident

(defn incident-of [event] ((juxt :host :service) event))

(defn blamed
  "The incident of the unit whose failure the event blames."
  [{:keys [host service unit failed_dependency_unit]}]
  (when (and unit failed_dependency_unit)
    [host (str (subs service 0 (max 0 (- (count service) (count unit)))) failed_dependency_unit)]))

(defn chain
  "From that incident on, each that the one before blames: the root cause is the last."
  [open id]
  (take 20 (take-while some? (iterate #(:blames (get open %)) id))))

(defn old?
  "Is it from before sdwhy began, or did it arrive late?"
  [event]
  (or (has-tag? event "replayed")
      (< late (- (unix-time) (or (:time event) (unix-time))))))

(defn due?
  "Is a page due: not sent yet, or long ago?"
  [incident rule]
  (let [paged (get-in incident [:paged rule])]
    (or (nil? paged) (<= remind (- (unix-time) paged)))))

(defn page!
  "Notes in the open incidents that rule pages for the one with that id, and says whether it is due."
  [open id rule event]
  (let [note (fn [incident]
               (cond-> (assoc (dissoc incident :waiting) :state (:state event))
                 (due? incident rule) (assoc-in [:paged rule] (unix-time))))
        [before] (swap-vals! open #(remember % id (note (get % id))))]
    (due? (get before id) rule)))

(defn incidents
  "Passes the first event of an incident, with its rule, and the one that ends it as resolved:
  good news of the unit, or an hour without any after the last of a crash-loop came back.
  Another page follows when another rule is met, or the same still after an hour.

  A dependent waits whether somebody is paged for the unit that it needs, before or after
  it, and is passed if not: one for each such unit. Old news wait whether newer ones
  take them back.

  After a restart Riemann knows no incident: what pages then pages again, and what is still
  open at the pager is closed by hand."
  [& children]
  (let [open (atom {})
        good (atom {})
        pass (fn [event rule] (call-rescue (assoc event :rule rule :dedup-key (str (:host event) " " (:service event))) children))
        paged? (fn [open id] (seq (dissoc (:paged (get open id)) "blamed")))
        page (fn [event rule]
               (let [id (incident-of event)
                     roots (when (= rule "dependency") (chain @open (blamed event)))]
                 (when (and (not-any? #(paged? @open %) roots)
                            (or (empty? roots) (page! open (last roots) "blamed" event))
                            (page! open id rule event))
                   (pass event rule))))
        wait (fn [event rule]
               (let [id (incident-of event)
                     note {:waiting event :blames (when (= rule "dependency") (blamed event))}]
                 (swap! open #(remember % id (merge (get % id) note)))
                 (once! (+ (unix-time) grace)
                        #(when (identical? event (:waiting (get @open id)))
                           (page event rule)))))
        end (fn [event]
              (let [id (incident-of event)
                    [before] (swap-vals! open dissoc id)]
                (when (paged? before id)
                  (pass (assoc event :state "ok") "resolved"))))]
    (fn [event]
      (let [rule (rule-of event) id (incident-of event)]
        (cond
          (and (= :page (whom rule)) (old? event) (< (:time event) (:time (get @good id) 0))) nil
          (and (= :page (whom rule)) (or (old? event) (= rule "dependency"))) (wait event rule)
          (= :page (whom rule)) (page event rule)
          (good-news? event) (do (swap! good remember id {:time (:time event)})
                                 (end event))
          (and (= "expired" (:state event)) (= "warning" (:state (get @open id)))) (end event))))))

(defn telling
  "Passes what should be known, with its rule: at most ten an hour of each unit, the rest
  says the page about the crash-loop."
  [& children]
  (let [limited (apply at-most 10 3600 children)]
    (fn [event]
      (let [rule (rule-of event)]
        (when (= :tell (whom rule))
          (limited (assoc event :rule rule)))))))

(tests
  (refer 'sdwhy.rules)
  (defn- at [time event & {:as more}] (merge event {:time time} more))
  (defn- pages [events] (map (juxt :rule :service) (run-stream (incidents) events)))
  (def tick {:host "web9" :service "cpu" :state "ok"})

  (deftest page-test
    ; each rule pages, at once
    (are [rule e] (= [rule] (map :rule (run-stream (incidents) [e])))
      "crash-down" crash-down, "crash-loop" refused, "crash-loop" looping
      "start-failed" boot-failed, "start-failed" upgrade-failed, "failed" reload-failed)
    ; nobody is woken for what healed or was meant
    (is (empty? (pages [healing healed killed by-hand by-robot upgrading upgraded booted down down-failed bound reset other
                        (at 4000 tick)])))
    ; one page for a unit, however often it fails, and one more for the loop
    (is (= ["crash-down" "crash-loop"] (map first (pages [crash-down crash-down looping looped refused refused]))))
    ; a host's unit is not another host's
    (is (= 2 (count (pages [crash-down (assoc crash-down :host "web2")])))))

  (deftest remind-test
    (is (= 2 (count (pages [(at 0 timer-failed) (at 600 timer-failed) (at 3599 timer-failed) (at 3600 timer-failed)])))))

  (deftest resolve-test
    (is (= [["crash-down" "systemd/a.service"] ["resolved" "systemd/a.service"]] (pages [crash-down by-hand by-hand])))
    (is (= ["web1 systemd/a.service" "web1 systemd/a.service"] (map :dedup-key (run-stream (incidents) [crash-down by-hand]))))
    (is (= ["critical" "ok"] (map :state (run-stream (incidents) [crash-down reset]))))
    ; after that it is a new incident
    (is (= ["crash-down" "resolved" "crash-down"] (map first (pages [crash-down booted crash-down]))))
    ; a loop is over when it has been calm for the time that Riemann keeps events
    (is (= ["crash-loop" "resolved"] (map first (pages [looping looped gone]))))
    ; what is down stays down, and nobody else resolves it
    (is (= ["crash-down"] (map first (pages [crash-down gone (assoc by-hand :host "web2")])))))

  (deftest root-test
    ; one page for the root cause, whichever comes first, none for its dependents
    (is (= [["start-failed" "systemd/b.service"]] (pages [boot-failed dependent bound (at 60 tick)])))
    (is (= [["start-failed" "systemd/b.service"]] (pages [dependent boot-failed (at 60 tick)])))
    (is (= [["start-failed" "systemd/b.service"]] (pages [dependent pulled-in (at 60 tick)])))
    (is (= [["crash-down" "systemd/a.service"]] (pages [bound crash-down (at 60 tick)])))
    ; nor for what needs a dependent
    (let [far (event "critical" "e.service" ["action:start" "cause:boot" "result:dependency"] :failed_dependency_unit "c.service")]
      (is (= [["start-failed" "systemd/b.service"]] (pages [boot-failed dependent far (at 60 tick)])))
      (is (= [["start-failed" "systemd/b.service"]] (pages [far dependent boot-failed (at 60 tick)])))
      (is (= 1 (count (pages [far dependent (at 60 tick)])))))
    ; a root cause that is filtered out, is on another host or only inactive pages nobody: then
    ; the first dependent does
    (is (= [["dependency" "systemd/c.service"]] (pages [dependent (at 60 tick)])))
    (is (= [["dependency" "systemd/c.service"]] (pages [dependent (assoc boot-failed :host "web2" :state "ok") (at 60 tick)])))
    (is (= 1 (count (pages [dependent (assoc dependent :service "systemd/e.service" :unit "e.service") (at 60 tick)]))))
    ; nothing starts dependents again when the root cause healed
    (is (= [["dependency" "systemd/c.service"]] (pages [retrying dependent (event "ok" "b.service" ["action:restart" "cause:crash" "result:done"]) (at 60 tick)])))
    ; for which nobody was paged: nothing resolves it
    (is (= ["dependency"] (map first (pages [dependent (at 60 tick) (event "ok" "b.service" ["action:start" "cause:manual" "result:done"] :time 90)]))))
    ; but a dependent that is up meanwhile is fine
    (is (empty? (pages [dependent (event "ok" "c.service" ["action:start" "cause:manual" "result:done"]) (at 60 tick)]))))

  (deftest late-test
    (let [replayed (update crash-down :tags conj "replayed")]
      ; news from before sdwhy began, or that waited for Riemann, page if they still hold
      (is (= ["crash-down"] (map first (pages [replayed (at 60 tick)]))))
      (is (= ["crash-down"] (map first (pages [(at 7200 tick) (at 0 crash-down) (at 7260 tick)]))))
      (is (empty? (pages [(at 7200 tick) (at 0 crash-down) (at 10 by-hand) (at 7260 tick)])))
      ; and not if newer ones are known
      (is (empty? (pages [(at 100 by-hand) (at 50 replayed) (at 160 tick)])))))

  (deftest tell-test
    (let [told (fn [& events] (map :rule (run-stream (telling) events)))]
      (is (= ["healed" "healed" "killed" "unclean"] (told healing healed killed slow-stop by-hand booted upgraded down)))
      (is (empty? (told crash-down refused looping boot-failed dependent bound)))
      (is (= 10 (count (apply told (repeat 50 healed)))))
      (is (= 20 (count (apply told (concat (repeat 50 healed) (repeat 50 (at 3600 healed)))))))))

  (deftest memory-test
    (with-redefs [most 100]
      (let [memory (reduce #(remember %1 %2 {}) {} (range 1000))]
        (is (<= 50 (count memory) 100))
        (is (contains? memory 999))))))

; --- The host itself: sdwhy's heartbeat

(defn powers-off?
  "Is the shutdown meant to end in a machine that is off? A reboot should come back."
  [event]
  (boolean (re-find #"powering down|poweroff\.target|halt\.target" (str (:evidence event)))))

(defn silent
  "Passes a host once whose heartbeat has expired, and again as resolved when it beats:
  sdwhy, the machine or the network is gone. A host that was shut down just before is
  passed as leaving, and as away if it was not to be powered off and is not back in time.
  A host that fell silent while Riemann itself was down is not noticed: Riemann never knew it."
  [& children]
  (let [hosts (atom {})
        know (fn [host facts] (swap! hosts #(remember % host (merge (get % host) facts))))
        pass (fn [event rule state text]
               (call-rescue (assoc event :rule rule :state state :description (str text " " (:host event))
                                         :dedup-key (str (:host event) " sdwhy"))
                            children))
        away (fn [{:keys [host] :as event}]
               (when (identical? event (:silent (get @hosts host)))
                 (know host {:paged true})
                 (pass event "away" "critical" "after a shutdown nothing is heard of sdwhy on")))]
    (fn [{:keys [host service state] :as event}]
      (let [{:keys [left off silent paged]} (get @hosts host)
            leaving (boolean (and left (< (- (unix-time) left) late)))]
        (cond
          (and (= "sdwhy" service) (= "expired" state))
          (when-not silent
            (know host {:silent event :paged (not leaving)})
            (if-not leaving
              (pass event "silent" "critical" "nothing is heard of sdwhy on")
              (do (pass event "leaving" "warning" "shut down, and silent since:")
                  (when-not off
                    (once! (+ (unix-time) reboot) #(away event))))))

          (= "sdwhy" service)
          (do (know host {:silent nil :paged false})
              (when paged
                (pass event "resolved" "ok" "sdwhy is heard again on")))

          (not (unit-event? event)) nil
          (has-tag? event "cause:boot") (know host {:left nil})
          (has-tag? event "cause:shutdown") (know host {:left (unix-time) :off (powers-off? event)}))))))

(defn ailing
  "Passes a heartbeat that says that more events were given up, at most once an hour and host."
  [& children]
  (let [last-count (atom {})
        limited (apply at-most 1 3600 children)]
    (fn [{:keys [host service state dropped] :as event}]
      (when (and (= "sdwhy" service) (= "warning" state))
        (let [[before] (swap-vals! last-count remember host {:dropped dropped})]
          (when (not= dropped (:dropped (get before host)))
            (limited (assoc event :rule "ailing"))))))))

(tests
  (refer 'sdwhy.rules)
  (defn- beat [time] {:host "web1" :service "sdwhy" :state "ok" :time time :ttl 60 :tags ["sdwhy" "heartbeat"]})
  (defn- silence [time] {:host "web1" :service "sdwhy" :state "expired" :time time})
  (defn- shut [time says]
    (event "ok" "a.service" ["action:stop" "cause:shutdown" "result:done"] :time time :evidence (str "journal: " says)))
  (defn- heard [& events] (map :rule (run-stream (silent) events)))

  (deftest silent-test
    (is (= ["silent"] (heard (beat 0) (beat 20) (silence 90) (silence 95))))
    (is (= ["silent" "resolved" "silent"] (heard (beat 0) (silence 90) (beat 100) (beat 120) (silence 190))))
    (is (= 2 (count (heard (beat 0) (silence 90) (assoc (beat 90) :host "web2") (assoc (silence 190) :host "web2")))))
    (is (empty? (heard (beat 0) (beat 20) gone other)))
    ; a pager takes no state "expired"
    (is (= [["critical" "web1 sdwhy"] ["ok" "web1 sdwhy"]]
           (map (juxt :state :dedup-key) (run-stream (silent) [(beat 0) (silence 90) (beat 100)])))))

  (deftest shutdown-test
    ; a host that was powered off wakes nobody; one that was to reboot and stays away does
    (is (= ["leaving"] (heard (beat 0) (shut 10 "System is powering down.") (silence 90) (at 4000 tick))))
    (is (= ["leaving" "away"] (heard (beat 0) (shut 10 "System is rebooting.") (silence 90) (at 4000 tick))))
    (is (= ["leaving"] (heard (beat 0) (shut 10 "System is rebooting.") (silence 90) (beat 200) (at 4000 tick))))
    (is (= ["leaving" "away" "resolved"] (heard (shut 10 "System is rebooting.") (silence 90) (at 1500 tick) (beat 1600))))
    ; what happens after it is back is no shutdown
    (is (= ["silent"] (heard (beat 0) (shut 10 "System is rebooting.") (at 40 booted) (beat 50) (silence 120))))
    (is (= ["silent"] (heard (shut 10 "System is rebooting.") (beat 60) (beat 600) (silence 700)))))

  (deftest ailing-test
    (let [ill (fn [time dropped] (assoc (beat time) :state "warning" :dropped dropped))]
      (is (= ["ailing"] (map :rule (run-stream (ailing) [(beat 0) (ill 20 "3") (ill 40 "3") (ill 7200 "3")]))))
      (is (= 2 (count (run-stream (ailing) [(ill 20 "3") (ill 40 "4") (ill 7200 "5")])))))))

; --- All of it

(defn alerts
  "All rules, each event once. :page is given what should wake somebody, :resolve what
  ends that, and :tell what should be known."
  [streams]
  (let [to-whom (fn [event]
                  (when-let [stream (get streams (whom (:rule event)))]
                    (stream event)))]
    (first-time
      (incidents to-whom)
      (telling to-whom)
      (silent to-whom)
      (ailing to-whom))))

(defn for-pagerduty
  "How an event reads on a pager, for version 2 of its API: Riemann's own formatter leaves out
  the description, and says of a resolved one the severity ok, which is none there."
  [event]
  {:summary (:description event)
   :source (:host event)
   :severity (get {"critical" "critical", "warning" "warning"} (:state event) "info")
   :component (:service event)
   :class (:rule event)
   :custom_details event})

(tests
  (refer 'sdwhy.rules)
  (defn- alerted
    "Who is given what, as [stream rule service]."
    [& events]
    (let [given (atom [])
          to (fn [stream] #(swap! given conj [stream (:rule %) (:service %)]))
          streams [(alerts {:page (to :page) :resolve (to :resolve) :tell (to :tell)})]]
      (inject! streams events)
      @given))

  (deftest alerts-test
    (is (= [[:tell "healed" "systemd/a.service"]
            [:tell "healed" "systemd/a.service"]
            [:page "start-failed" "systemd/b.service"]
            [:page "silent" "sdwhy"]
            [:resolve "resolved" "sdwhy"]]
           (alerted booted healing healed boot-failed dependent (beat 1) (silence 90) (beat 100)))))

  (deftest twice-test
    ; what sdwhy sends again, because the answer was lost, pages and tells no second time
    (let [sent [(assoc crash-down :event_id "1/system/exit/1") (assoc by-hand :event_id "1/system/job/2")
                (assoc healed :event_id "1/system/job/3")]]
      (is (= [:page :resolve :tell] (map first (apply alerted (concat sent sent sent)))))))

  (deftest pagerduty-test
    (is (= ["critical" "info"] (map (comp :severity for-pagerduty) (run-stream (incidents) [crash-down by-hand])))))

  (deftest some-streams-test
    ; a stream that is not given is done without
    (let [stream (alerts {:page identity})]
      (is (stream healed)))))
