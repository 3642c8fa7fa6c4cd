; sdwhy.clj: whom to wake, for what systemd's units do. For Riemann 0.3.
;
; In riemann.config:
;
;   (include "/etc/riemann/sdwhy.clj")
;   (periodically-expire 5)
;   (streams
;     (index)                                  ; a silent host is noticed by its expiry
;     (sdwhy.rules/alerts {:page (:trigger (pagerduty {:service-key "..."}))
;                          :tell (email "ops@example.org")}))
;
; "riemann test /etc/riemann/riemann.config" runs the tests at the end of each part.
;
; An event of sdwhy has the service "systemd/UNIT", the severity as its state (ok,
; warning, critical) and these tags: systemd, action:..., cause:..., result:...,
; failure:..., root:..., auto-restart, crash-loop, no-job, replayed. Its attributes are
; keys of the event, as text: (:root_unit event), (:will_restart event).

(ns sdwhy.rules
  (:require [riemann.streams :refer :all]
            [riemann.test :refer [tests]]))

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

; --- Keeping quiet

(defn quiet?
  "Deliberate or foreseen, and nothing failed for good: boot, shutdown, package upgrades,
  and what a person or an automation asked for. A failure of any of these is critical
  and is not quiet."
  [event]
  (and (not= "critical" (:state event))
       (has-tag? event "cause:boot" "cause:shutdown" "cause:package" "cause:manual" "cause:automation")))

(defn going-down?
  "Part of a shutdown: whatever fails there wakes nobody."
  [event]
  (has-tag? event "cause:shutdown"))

(defn dependent?
  "Does its cause lie with another unit, which has an event of its own? Then that
  one pages, once, instead of each that hangs on it."
  [event]
  (boolean
    (and (or (:root_unit event) (:failed_dependency_unit event))
         (not= (:unit event) (or (:root_unit event) (:failed_dependency_unit event)))
         (has-tag? event "cause:dependency" "cause:crash" "result:dependency"))))

(tests
  (refer 'sdwhy.rules)
  (deftest quiet-test
    (is (quiet? {:state "ok" :tags ["systemd" "action:start" "cause:boot"]}))
    (is (quiet? {:state "ok" :tags ["systemd" "action:restart" "cause:package"]}))
    (is (quiet? {:state "warning" :tags ["systemd" "action:stop" "cause:manual"]}))
    (is (not (quiet? {:state "critical" :tags ["systemd" "action:start" "cause:boot"]})))
    (is (not (quiet? {:state "warning" :tags ["systemd" "action:exit" "cause:crash"]}))))

  (deftest dependent-test
    (is (dependent? {:unit "b.service" :root_unit "a.service" :root_cause "crash"
                           :tags ["systemd" "action:stop" "cause:dependency" "root:crash"]}))
    (is (dependent? {:unit "b.service" :failed_dependency_unit "a.service"
                           :tags ["systemd" "action:start" "cause:boot" "result:dependency"]}))
    (is (not (dependent? {:unit "a.service" :root_unit "a.service"
                                :tags ["systemd" "action:exit" "cause:crash"]})))
    (is (not (dependent? {:unit "a.service" :tags ["systemd" "action:exit" "cause:crash"]})))))

; --- What is worth a page, and what is worth knowing

(defn rule-of
  "The rule that an event falls under, or nil for none:
  :crash-loop    it keeps crashing, or systemd refused it another start
  :start-failed  a start, after boot or upgrade or by hand, failed for good
  :crash-down    it crashed and will not come back by itself
  :failed        another job failed for good: a reload, a restart
  :healed        it crashed, and came or comes back
  :unclean       a timed-out or unclean stop, a canceled job"
  [event]
  (let [tag? (partial has-tag? event)
        critical (= "critical" (:state event))]
    (cond
      (not (unit-event? event)) nil
      (going-down? event) nil
      (and critical (dependent? event)) nil
      (tag? "crash-loop") :crash-loop
      (and critical (tag? "action:start")) :start-failed
      (and critical (tag? "action:exit") (tag? "cause:crash")) :crash-down
      critical :failed
      (dependent? event) nil
      (quiet? event) nil
      (tag? "cause:crash") :healed
      (= "warning" (:state event)) :unclean
      :else nil)))

(def paging-rules #{:crash-loop :start-failed :crash-down :failed})

(defn with-rule
  "Marks the events that fall under a rule with :rule, and passes them to the children."
  [& children]
  (fn [event]
    (when-let [rule (rule-of event)]
      (call-rescue (assoc event :rule (name rule)) children))))

(defn paging
  "Passes what should wake somebody: per host and unit the first of each rule, and again
  after an hour if it goes on. Riemann keeps what (by) splits for ever: where transient
  units (run-u123.service) fail by the thousand, exclude them in sdwhy.toml."
  [& children]
  (with-rule
    (where* (fn [event] (contains? paging-rules (keyword (:rule event))))
      (by [:host :service :rule]
        (apply throttle 1 3600 children)))))

(defn telling
  "Passes what should be known by the morning, and wakes nobody: crashes that healed,
  stops that were not clean. At most ten an hour of each unit; the rest says the page
  about the crash-loop."
  [& children]
  (with-rule
    (where* (fn [event] (not (contains? paging-rules (keyword (:rule event)))))
      (by [:host :service]
        (apply throttle 10 3600 children)))))

(tests
  (refer 'sdwhy.rules)
  (defn- event
    "An event as sdwhy sends it."
    [state unit tags & {:as more}]
    (merge {:host "web1" :service (str "systemd/" unit) :unit unit :state state :time 0 :ttl 3600
            :description (apply str unit " " (interpose " " tags)) :tags (into ["systemd"] tags)}
           more))

  (def crash-down (event "critical" "a.service" ["action:exit" "cause:crash" "result:failed" "failure:signal" "no-job"]))
  (def healing (event "warning" "a.service" ["action:exit" "cause:crash" "result:failed" "failure:signal" "no-job"]
                      :will_restart "true"))
  (def healed (event "warning" "a.service" ["action:restart" "cause:crash" "result:done" "auto-restart"]))
  (def refused (event "critical" "a.service" ["action:restart" "cause:crash" "result:failed" "failure:start-limit-hit" "auto-restart" "crash-loop"]
                      :failure "start-limit-hit"))
  (def boot-failed (event "critical" "b.service" ["action:start" "cause:boot" "result:failed" "failure:exit-code"]))
  (def upgrade-failed (event "critical" "b.service" ["action:restart" "cause:package" "result:failed" "failure:exit-code"]))
  (def dependent (event "critical" "c.service" ["action:start" "cause:boot" "result:dependency"]
                        :failed_dependency_unit "b.service"))
  (def bound (event "ok" "d.service" ["action:stop" "cause:dependency" "result:done" "root:crash"]
                    :trigger_unit "a.service" :trigger_relation "BindsTo" :root_unit "a.service" :root_cause "crash"))
  (def by-hand (event "ok" "a.service" ["action:restart" "cause:manual" "result:done"]))
  (def upgraded (event "ok" "a.service" ["action:restart" "cause:package" "result:done"]))
  (def booted (event "ok" "a.service" ["action:start" "cause:boot" "result:done"]))
  (def down (event "warning" "a.service" ["action:stop" "cause:shutdown" "result:timeout" "failure:timeout"]))

  (deftest rule-test
    (is (= :crash-down (rule-of crash-down)))
    (is (= :crash-loop (rule-of refused)))
    (is (= :start-failed (rule-of boot-failed)))
    (is (= :failed (rule-of upgrade-failed)))
    (is (= :healed (rule-of healing)))
    (is (= :healed (rule-of healed))))

  (deftest quiet-rules-test
    (doseq [e [dependent bound by-hand upgraded booted down
               {:host "web1" :service "systemd/a.service" :state "expired"}
               {:host "web1" :service "cpu" :state "critical" :tags []}]]
      (is (nil? (rule-of e)) (:description e))))

  (deftest page-test
    ; one page for a unit, however often it fails, and one more for the loop
    (is (= ["crash-down" "crash-loop"]
           (map :rule (run-stream (paging) [crash-down crash-down refused refused]))))
    ; one page for the root cause, none for its dependents
    (is (= ["systemd/b.service"]
           (map :service (run-stream (paging) [boot-failed dependent bound]))))
    ; none for what healed or was meant
    (is (empty? (run-stream (paging) [healing healed by-hand upgraded booted down]))))

  (deftest tell-test
    (is (= ["healed" "healed"] (map :rule (run-stream (telling) [healing healed by-hand booted]))))
    (is (empty? (run-stream (telling) [crash-down refused boot-failed])))))

; --- The host itself: sdwhy's heartbeat

(defn silent
  "Passes a host once whose heartbeat has expired, until it beats again: sdwhy, the
  machine or the network is gone. Riemann keeps host and service of an expired event."
  [& children]
  (where* (fn [event] (= "sdwhy" (:service event)))
    (by :host
      (changed (fn [event] (= "expired" (:state event))) {:init false}
        (where* (fn [event] (= "expired" (:state event)))
          (fn [event]
            (call-rescue (assoc event :description (str "nothing is heard of sdwhy on " (:host event)))
                         children)))))))

(defn ailing
  "Passes a heartbeat, at most once an hour and host, that says events were given up."
  [& children]
  (where* (fn [event] (and (= "sdwhy" (:service event)) (= "warning" (:state event))))
    (by :host
      (apply throttle 1 3600 children))))

(tests
  (refer 'sdwhy.rules)
  (defn- beat [time] {:host "web1" :service "sdwhy" :state "ok" :time time :ttl 60 :tags ["sdwhy" "heartbeat"]})
  (defn- gone [time] {:host "web1" :service "sdwhy" :state "expired" :time time})

  (deftest silent-test
    (is (= 1 (count (run-stream (silent) [(beat 0) (beat 20) (gone 90) (gone 95)]))))
    (is (= 2 (count (run-stream (silent) [(beat 0) (gone 90) (beat 100) (gone 190)]))))
    (is (empty? (run-stream (silent) [(beat 0) (beat 20)])))
    (is (empty? (run-stream (silent) [{:host "web1" :service "systemd/a.service" :state "expired" :time 0}]))))

  (deftest ailing-test
    (is (= 1 (count (run-stream (ailing)
                                [(assoc (beat 0) :state "warning" :dropped "3")
                                 (assoc (beat 20) :state "warning" :dropped "3")]))))))

; --- All of it

(defn alerts
  "All rules. :page is given what should wake somebody, :tell what should be known."
  [{:keys [page tell]}]
  (sdo
    (paging page)
    (telling tell)
    (silent page)
    (ailing tell)))

(tests
  (refer 'sdwhy.rules)
  (deftest alerts-test
    (let [paged (atom []) told (atom [])
          stream (alerts {:page #(swap! paged conj (:service %)) :tell #(swap! told conj (:service %))})]
      (doseq [e [booted healing healed boot-failed dependent
                 {:host "web1" :service "sdwhy" :state "ok" :time 0 :ttl 60}
                 {:host "web1" :service "sdwhy" :state "expired" :time 90}]]
        (stream e))
      (is (= ["systemd/b.service" "sdwhy"] @paged))
      (is (= ["systemd/a.service" "systemd/a.service"] @told)))))
